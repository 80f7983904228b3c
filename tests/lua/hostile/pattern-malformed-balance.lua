-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: %b without arguments
-- expect: error missing arguments to '%b'
("x"):find("%b")
