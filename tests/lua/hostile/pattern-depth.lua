-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: one recursion per item
-- expect: error too complex
(("a"):rep(400)):find(("a?"):rep(300))
