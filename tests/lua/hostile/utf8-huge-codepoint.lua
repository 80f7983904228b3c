-- SPDX-License-Identifier: Apache-2.0
-- class: utf8
-- source: characters beyond the range
-- expect: error value out of range
utf8.char(1 << 40)
