-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: string.byte of a megabyte
-- expect: error string slice too long
(("x"):rep(1 << 20)):byte(1, -1)
