-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: table.move into a library
-- expect: error cannot change the library 'math'
table.move({ 1, 2 }, 1, 2, 1, math)
