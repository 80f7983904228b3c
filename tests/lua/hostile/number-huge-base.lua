-- SPDX-License-Identifier: Apache-2.0
-- class: conversions
-- source: digits in another base
-- expect: any
tonumber(("z"):rep(1 << 20), 36)
