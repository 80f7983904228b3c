-- SPDX-License-Identifier: Apache-2.0
-- class: weak tables
-- source: ephemeron chains make collection quadratic
-- expect: error scripts have no weak tables
setmetatable({}, { __mode = "k" })
