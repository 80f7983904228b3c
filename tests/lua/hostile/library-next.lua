-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: next finds the real table
-- expect: ok
assert(next(string) == nil and next(gantry.json) == nil)
