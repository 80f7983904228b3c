-- SPDX-License-Identifier: Apache-2.0
-- class: host output
-- source: a line of a megabyte
-- expect: ok
print(("x"):rep(1 << 20))
