-- SPDX-License-Identifier: Apache-2.0
-- class: bounds
-- source: select(0)
-- expect: error index out of range
select(0)
