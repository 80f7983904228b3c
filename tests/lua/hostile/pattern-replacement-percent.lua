-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: a lone % in a replacement
-- expect: error invalid use of '%'
("x"):gsub("x", "%")
