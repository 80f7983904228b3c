-- SPDX-License-Identifier: Apache-2.0
-- class: host access
-- source: nulling globals one by one misses some
-- expect: ok
assert(os == nil and io == nil)
