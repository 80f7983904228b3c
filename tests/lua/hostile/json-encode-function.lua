-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: what has no JSON form
-- expect: error has no JSON form
gantry.json.encode({ print })
