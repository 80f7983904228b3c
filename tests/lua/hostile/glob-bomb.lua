-- SPDX-License-Identifier: Apache-2.0
-- class: host matchers
-- source: CVE-2022-36021
-- expect: ok
assert(not gantry.glob(("**a"):rep(300) .. "b", ("a"):rep(4000)))
