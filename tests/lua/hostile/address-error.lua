-- SPDX-License-Identifier: Apache-2.0
-- class: addresses
-- source: messages show an address
-- expect: ok
local _, message = pcall(function() local t = {} return t < {} end)
assert(not message:find("0x"))
