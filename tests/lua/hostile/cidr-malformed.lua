-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: malformed networks
-- expect: error not a network
gantry.cidr("10.0.0.0/999", "10.0.0.1")
