-- SPDX-License-Identifier: Apache-2.0
-- class: utf8
-- source: a result per byte
-- expect: any
utf8.codepoint(("x"):rep(1 << 20), 1, -1)
