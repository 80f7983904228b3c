-- SPDX-License-Identifier: Apache-2.0
-- class: integer overflow
-- source: length times count wraps
-- expect: error too large
("xxxxxxxxxxxxxxxx"):rep(1 << 60)
