-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: deep nesting of objects
-- expect: error not JSON
gantry.json.decode(('{"a":'):rep(100000))
