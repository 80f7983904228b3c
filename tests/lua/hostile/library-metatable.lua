-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: get the metatable, then __index
-- expect: ok
assert(getmetatable(string) == false and getmetatable(gantry) == false)
