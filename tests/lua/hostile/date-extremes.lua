-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: times at the ends of the numbers
-- expect: error out of range
gantry.date(1e300)
