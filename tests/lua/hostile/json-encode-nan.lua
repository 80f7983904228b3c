-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: NaN has no JSON form
-- expect: error not finite
gantry.json.encode(0 / 0)
