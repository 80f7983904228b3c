-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: nothing at all
-- expect: error not JSON
gantry.json.decode("")
