-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: global pollution
-- expect: error cannot change the library 'table'
table.evil = 1
