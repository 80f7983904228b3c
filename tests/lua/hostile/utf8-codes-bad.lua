-- SPDX-License-Identifier: Apache-2.0
-- class: utf8
-- source: codes on malformed text
-- expect: error invalid UTF-8 code
for _ in utf8.codes("a\xff") do end
