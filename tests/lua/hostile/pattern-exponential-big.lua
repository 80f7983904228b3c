-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: tinymux#1591
-- expect: any
local s = ("a"):rep(190)
string.find(s, ("a-"):rep(190) .. "b")
