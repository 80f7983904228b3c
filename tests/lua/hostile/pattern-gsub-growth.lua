-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: each character becomes a megabyte
-- expect: error memory
("a"):rep(1000):gsub("a", ("b"):rep(1 << 20))
