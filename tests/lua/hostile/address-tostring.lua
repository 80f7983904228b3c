-- SPDX-License-Identifier: Apache-2.0
-- class: addresses
-- source: tostring(table) shows an address
-- expect: ok
for _, v in ipairs({ {}, print, function() end, coroutine.create(print) }) do
  assert(not tostring(v):find("%x%x%x%x"))
end
