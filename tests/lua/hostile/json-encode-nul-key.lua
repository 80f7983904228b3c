-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: a key with a NUL is cut
-- expect: error not text in UTF-8
gantry.json.encode({ ["a\0b"] = 1 })
