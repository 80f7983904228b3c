-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: NaN as a time
-- expect: error out of range
gantry.date(0 / 0)
