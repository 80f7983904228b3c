-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: deep nesting overflows the C stack
-- expect: error not JSON
gantry.json.decode(("["):rep(100000))
