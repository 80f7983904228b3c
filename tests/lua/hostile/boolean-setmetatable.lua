-- SPDX-License-Identifier: Apache-2.0
-- class: shared metatables
-- source: CVE-2025-46818
-- expect: error table expected
setmetatable(true, {})
