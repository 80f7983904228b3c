-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: a table that contains itself
-- expect: error contains itself
local t = {}
t.t = t
gantry.json.encode(t)
