-- SPDX-License-Identifier: Apache-2.0
-- class: addresses
-- source: __name is shown with an address
-- expect: ok
assert(tostring(setmetatable({}, { __name = "thing" })) == "thing")
