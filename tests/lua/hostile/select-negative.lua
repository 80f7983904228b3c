-- SPDX-License-Identifier: Apache-2.0
-- class: bounds
-- source: select with a large negative
-- expect: error index out of range
select(-5, 1)
