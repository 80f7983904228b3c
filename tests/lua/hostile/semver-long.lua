-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: a long range
-- expect: any
gantry.semver("1.2.3", (">=1 "):rep(100000))
