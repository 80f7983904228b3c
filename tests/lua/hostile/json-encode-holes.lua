-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: a list with a hole
-- expect: error no JSON form
gantry.json.encode({ 1, 2, nil, 4 })
