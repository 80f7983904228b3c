-- SPDX-License-Identifier: Apache-2.0
-- class: collector control
-- source: CVE-2025-49844 exploits drive the collector
-- expect: ok
assert(collectgarbage == nil)
