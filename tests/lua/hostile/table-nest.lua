-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: nested tables
-- expect: error memory
local t = {}
while true do t = { t, t } end
