-- SPDX-License-Identifier: Apache-2.0
-- class: swallowing the stop
-- source: scoder/lupa#6: pcall catches the timeout
-- expect: stop
while true do pcall(function() while true do end end) end
