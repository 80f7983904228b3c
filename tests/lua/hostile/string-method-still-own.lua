-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: methods come from the real table
-- expect: ok
local string = { rep = function() return "evil" end }
assert(("x"):rep(2) == "xx" and string.rep() == "evil")
