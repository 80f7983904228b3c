-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: malformed UTF-8
-- expect: error not JSON
gantry.json.decode('"\xff"')
