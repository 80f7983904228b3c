-- SPDX-License-Identifier: Apache-2.0
-- class: host access
-- source: CVE-2022-0543: package left in by a distribution
-- expect: ok
assert(package == nil and module == nil)
