-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: %f with a large set
-- expect: any
(("a"):rep(100000)):find("%f[" .. ("b"):rep(1000) .. "]")
