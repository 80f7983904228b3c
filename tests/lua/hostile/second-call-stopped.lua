-- SPDX-License-Identifier: Apache-2.0
-- class: later calls
-- source: the second call loops
-- expect: stop
return function() while true do end end
