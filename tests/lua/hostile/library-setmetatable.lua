-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: replace the metatable
-- expect: error cannot change a protected metatable
setmetatable(string, nil)
