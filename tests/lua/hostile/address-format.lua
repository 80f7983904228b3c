-- SPDX-License-Identifier: Apache-2.0
-- class: addresses
-- source: %s of a table shows an address
-- expect: ok
assert(string.format("%s%s", {}, print) == "tablefunction")
