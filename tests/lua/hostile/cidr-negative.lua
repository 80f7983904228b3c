-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: a negative length
-- expect: error not a network
gantry.cidr("10.0.0.0/-1", "10.0.0.1")
