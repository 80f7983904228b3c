-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: sort in a comparator
-- expect: error overflow
local function less() table.sort({ 2, 1 }, less) return true end
less()
