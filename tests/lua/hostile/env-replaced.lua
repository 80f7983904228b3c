-- SPDX-License-Identifier: Apache-2.0
-- class: environment
-- source: replace _ENV
-- expect: ok
local assert, getmetatable = assert, getmetatable
local _ENV = {}
assert(string == nil and getmetatable("") == false)
