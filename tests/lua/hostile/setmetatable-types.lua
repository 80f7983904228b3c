-- SPDX-License-Identifier: Apache-2.0
-- class: type confusion
-- source: a string as metatable
-- expect: error nil or table expected
setmetatable({}, "x")
