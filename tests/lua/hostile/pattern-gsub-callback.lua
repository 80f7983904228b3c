-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: gsub with a looping function
-- expect: stop
("a"):gsub("a", function() while true do end end)
