-- SPDX-License-Identifier: Apache-2.0
-- class: looping handler
-- source: stack overflow in a handler (CVE-2022-33099)
-- expect: error
local function f() return f() + 1 end
xpcall(f, function() return f() end)
