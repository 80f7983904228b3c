-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: text after the value
-- expect: error not JSON
gantry.json.decode("{} x")
