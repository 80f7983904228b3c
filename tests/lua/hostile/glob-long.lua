-- SPDX-License-Identifier: Apache-2.0
-- class: host matchers
-- source: CVE-2022-36021, CVE-2024-31228: globs in Redis
-- expect: error too long
gantry.glob(("*a"):rep(1000), ("a"):rep(1000))
