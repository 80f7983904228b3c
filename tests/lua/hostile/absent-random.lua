-- SPDX-License-Identifier: Apache-2.0
-- class: replay
-- source: a policy must decide the same way twice
-- expect: ok
assert(math.random == nil and math.randomseed == nil)
