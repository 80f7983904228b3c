-- SPDX-License-Identifier: Apache-2.0
-- class: type confusion
-- source: null is indexed
-- expect: error attempt to index
local x = gantry.json.null.x
