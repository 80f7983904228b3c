-- SPDX-License-Identifier: Apache-2.0
-- class: looping handler
-- source: C function as handler
-- expect: ok
assert(select(2, xpcall(error, tostring, 12)) == "12")
