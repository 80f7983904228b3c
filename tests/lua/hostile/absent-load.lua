-- SPDX-License-Identifier: Apache-2.0
-- class: dynamic code
-- source: Redis loadstring exploit kits, HackTricks#1508
-- expect: ok
assert(load == nil and loadstring == nil and dofile == nil and loadfile == nil)
