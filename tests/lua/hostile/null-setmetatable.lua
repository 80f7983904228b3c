-- SPDX-License-Identifier: Apache-2.0
-- class: shared metatables
-- source: light userdata share one metatable
-- expect: error table expected
setmetatable(gantry.json.null, {})
