-- SPDX-License-Identifier: Apache-2.0
-- class: yield across C
-- source: yield from a replacement
-- expect: error attempt to yield across a C-call boundary
local ok, message = coroutine.resume(coroutine.create(function()
  return ("abc"):gsub(".", coroutine.yield)
end))
error(message)
