-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: a large set for each character
-- expect: any
(("a"):rep(200000)):find("[" .. ("bc"):rep(50000) .. "]")
