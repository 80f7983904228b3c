-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: string.rep pressure (HackTricks#1508)
-- expect: error too large
("x"):rep(1 << 40)
