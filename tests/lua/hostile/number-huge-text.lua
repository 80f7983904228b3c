-- SPDX-License-Identifier: Apache-2.0
-- class: conversions
-- source: a megabyte of digits
-- expect: any
tonumber(("9"):rep(1 << 20))
