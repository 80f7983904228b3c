-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: pairs finds the real table
-- expect: ok
for k in pairs(table) do error(k) end
