-- SPDX-License-Identifier: Apache-2.0
-- class: swallowing the stop
-- source: pcall of pcall of pcall
-- expect: stop
while true do pcall(pcall, pcall, pcall, function() while true do end end) end
