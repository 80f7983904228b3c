-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: table functions that use raw access
-- expect: error cannot change the library 'math'
table.insert(math, "x")
