-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: sorting a library table
-- expect: ok
table.sort(string)
