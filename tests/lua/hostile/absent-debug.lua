-- SPDX-License-Identifier: Apache-2.0
-- class: introspection
-- source: debug.getregistry and debug.setmetatable in game sandboxes
-- expect: ok
assert(debug == nil)
