-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: malformed versions
-- expect: error not a version
gantry.semver("x.y", ">=1")
