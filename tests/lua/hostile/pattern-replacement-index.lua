-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: %9 in a replacement
-- expect: error invalid capture index
("x"):gsub("x", "%9")
