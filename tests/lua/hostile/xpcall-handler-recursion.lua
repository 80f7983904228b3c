-- SPDX-License-Identifier: Apache-2.0
-- class: looping handler
-- source: CVE-2022-33099: error while handling an error
-- expect: error overflow
local function handler() return xpcall(error, handler) end
xpcall(error, handler)
