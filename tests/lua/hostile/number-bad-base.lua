-- SPDX-License-Identifier: Apache-2.0
-- class: conversions
-- source: base out of range
-- expect: error base out of range
tonumber("1", 99)
