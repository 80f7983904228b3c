-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: CVE-2021-43519
-- expect: error
local function nest()
  local ok, message = coroutine.resume(coroutine.create(nest))
  assert(ok, message)
end
nest()
