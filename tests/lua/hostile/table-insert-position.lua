-- SPDX-License-Identifier: Apache-2.0
-- class: bounds
-- source: positions out of bounds
-- expect: error out of bounds
table.insert({ 1, 2 }, 5, "x")
