-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: charpattern in a bomb
-- expect: any
(("ä"):rep(5000)):find(("%s*"):rep(1) .. (utf8.charpattern .. "-"):rep(8) .. "b")
