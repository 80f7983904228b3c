-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: Lua 5.4.4: coroutine.close does not count C calls
-- expect: error overflow
local function chain(n)
  local co = coroutine.create(function()
    local x <close> = setmetatable({}, { __close = function()
      if n > 0 then
        local ok, message = coroutine.close(chain(n - 1))
        assert(ok, message)
      end
    end })
    coroutine.yield()
  end)
  coroutine.resume(co)
  return co
end
local ok, message = coroutine.close(chain(100000))
error(message and "overflow: " .. tostring(message))
