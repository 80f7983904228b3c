-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: escapes out of range
-- expect: error
local s = "\u{ffffffffff}"
