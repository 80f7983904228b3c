-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: numbers that overflow
-- expect: error not a version
gantry.semver("99999999999999999999.1", ">=1")
