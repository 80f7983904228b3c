-- SPDX-License-Identifier: Apache-2.0
-- class: shared metatables
-- source: CVE-2025-46818
-- expect: error attempt to index a boolean value
getmetatable("").__index = function() end
