-- SPDX-License-Identifier: Apache-2.0
-- class: addresses
-- source: concatenating shows an address
-- expect: error attempt to concatenate
local x = "" .. {}
