-- SPDX-License-Identifier: Apache-2.0
-- class: integer overflow
-- source: the separator counts too
-- expect: error too large
(""):rep(math.maxinteger, "xx")
