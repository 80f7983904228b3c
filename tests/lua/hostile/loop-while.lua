-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: the plainest of all
-- expect: stop
while true do end
