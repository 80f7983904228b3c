-- SPDX-License-Identifier: Apache-2.0
-- class: coroutine bombs
-- source: as many as memory holds
-- expect: error memory
local all = {}
for i = 1, 1000000 do all[i] = coroutine.create(print) end
