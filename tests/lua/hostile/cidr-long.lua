-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: a long address
-- expect: error not a network
gantry.cidr(("1"):rep(100000), "10.0.0.1")
