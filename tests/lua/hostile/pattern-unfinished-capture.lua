-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: capture never closed
-- expect: error unfinished capture
("x"):find("(x")
