-- SPDX-License-Identifier: Apache-2.0
-- class: environment
-- source: Wireshark and games: something was forgotten
-- expect: ok
local known = {}
for name in ([[_G _VERSION assert coroutine error gantry getmetatable ipairs math next pairs pcall print
rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring type utf8
xpcall]]):gmatch("%S+") do known[name] = true end
for name in pairs(_G) do assert(known[name], name) end
