-- SPDX-License-Identifier: Apache-2.0
-- class: shared metatables
-- source: light userdata share one metatable
-- expect: ok
assert(getmetatable(gantry.json.null) == nil)
