-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: table.concat up to maxinteger
-- expect: error invalid value
table.concat({}, "", 1, math.maxinteger)
