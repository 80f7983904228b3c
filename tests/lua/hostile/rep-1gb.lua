-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: a gigabyte at once
-- expect: error memory
("x"):rep((1 << 30) - 1)
