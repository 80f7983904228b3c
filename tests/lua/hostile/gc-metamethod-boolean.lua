-- SPDX-License-Identifier: Apache-2.0
-- class: finalisers
-- source: __gc = true marks, a function comes later
-- expect: error scripts have no finalisers
local mt = { __gc = true }
setmetatable({}, mt)
