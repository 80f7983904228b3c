-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: deep tables
-- expect: error nested deeper
local t = {}
for i = 1, 10000 do t = { t } end
gantry.json.encode(t)
