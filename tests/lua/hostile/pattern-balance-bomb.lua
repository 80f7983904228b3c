-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: %b is linear per start
-- expect: any
(("("):rep(20000)):find("%b()")
