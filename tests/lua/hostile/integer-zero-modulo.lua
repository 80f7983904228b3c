-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: modulo zero
-- expect: error attempt to perform
local x = 1 % 0
