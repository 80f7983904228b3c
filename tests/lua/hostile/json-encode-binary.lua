-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: text that is not UTF-8
-- expect: error not UTF-8
gantry.json.encode("\xff\xfe")
