-- SPDX-License-Identifier: Apache-2.0
-- class: host output
-- source: warn("@on") writes to the host's stderr
-- expect: ok
assert(warn == nil)
