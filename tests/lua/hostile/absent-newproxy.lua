-- SPDX-License-Identifier: Apache-2.0
-- class: finalisers
-- source: newproxy in Lua 5.1 sandboxes
-- expect: ok
assert(newproxy == nil and setfenv == nil and getfenv == nil)
