-- SPDX-License-Identifier: Apache-2.0
-- class: type confusion
-- source: null in arithmetic
-- expect: error attempt to perform arithmetic
local x = gantry.json.null + 1
