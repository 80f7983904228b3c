-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: the error object's __tostring runs in the host
-- expect: stop
error(setmetatable({}, { __tostring = function() while true do end end }))
