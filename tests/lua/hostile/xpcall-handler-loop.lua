-- SPDX-License-Identifier: Apache-2.0
-- class: looping handler
-- source: error handlers that loop
-- expect: stop
xpcall(error, function() while true do end end)
