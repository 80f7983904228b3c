-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: values that do not compare
-- expect: error attempt to compare
table.sort({ 1, "x", {} })
