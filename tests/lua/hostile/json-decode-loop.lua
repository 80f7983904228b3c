-- SPDX-License-Identifier: Apache-2.0
-- class: host memory
-- source: decode and encode for ever
-- expect: stop
while true do gantry.json.encode(gantry.json.decode('{"a":[1,2,{"b":null}]}')) end
