-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: resume oneself
-- expect: error cannot resume non-suspended
local co
co = coroutine.create(function() return coroutine.resume(co) end)
local _, _, message = coroutine.resume(co)
error(message)
