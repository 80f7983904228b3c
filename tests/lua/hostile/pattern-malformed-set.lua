-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: read past the end of a pattern
-- expect: error missing ']'
("x"):find("[")
