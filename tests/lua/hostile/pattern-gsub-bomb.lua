-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: gsub
-- expect: any
(("a"):rep(2000)):gsub(".-.-.-b", "")
