-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: metamethods are not asked
-- expect: ok
local t = setmetatable({ 1 }, { __index = error, __len = error, __pairs = error })
assert(gantry.json.encode(t) == "[1]")
