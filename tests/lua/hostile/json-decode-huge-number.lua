-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: numbers beyond all range
-- expect: any
gantry.json.decode("1" .. ("0"):rep(10000))
