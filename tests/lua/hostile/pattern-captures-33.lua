-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: more captures than the array holds
-- expect: error too many captures
(("x"):rep(40)):find(("(x)"):rep(33))
