-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: brazilofmux/tinymux#1591: string.find hung for 25 s
-- expect: any
local s = ("a"):rep(26)
string.find(s, ("a?"):rep(26) .. ("a"):rep(26))
