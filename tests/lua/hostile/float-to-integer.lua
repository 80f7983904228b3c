-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: floats without integer value
-- expect: error has no integer representation
local x = 1e300 | 1
