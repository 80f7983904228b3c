-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: division by zero
-- expect: error attempt to divide by zero
local x = 1 // 0
