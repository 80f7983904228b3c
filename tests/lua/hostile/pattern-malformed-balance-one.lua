-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: %b with one argument
-- expect: error missing arguments to '%b'
("x"):find("%bx")
