-- SPDX-License-Identifier: Apache-2.0
-- class: host matchers
-- source: many of them
-- expect: stop
while true do gantry.glob(("**a"):rep(300) .. "b", ("a"):rep(4000)) end
