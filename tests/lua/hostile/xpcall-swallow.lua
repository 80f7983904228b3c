-- SPDX-License-Identifier: Apache-2.0
-- class: swallowing the stop
-- source: the handler goes on
-- expect: stop
xpcall(function() while true do end end, function() while true do end end)
