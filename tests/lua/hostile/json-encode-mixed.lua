-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: list and names in one table
-- expect: error no JSON form
gantry.json.encode({ 1, 2, a = 3 })
