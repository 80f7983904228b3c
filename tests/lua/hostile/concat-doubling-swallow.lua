-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: and pcall around it
-- expect: stop
while true do
  pcall(function() local s = "x" while true do s = s .. s end end)
end
