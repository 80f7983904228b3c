-- SPDX-License-Identifier: Apache-2.0
-- class: addresses
-- source: print shows an address
-- expect: ok
print({}, print)
