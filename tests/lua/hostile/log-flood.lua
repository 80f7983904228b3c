-- SPDX-License-Identifier: Apache-2.0
-- class: host output
-- source: a log line per instruction
-- expect: stop
while true do print("x") end
