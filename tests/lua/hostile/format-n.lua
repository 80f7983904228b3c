-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: %n writes memory
-- expect: error invalid conversion
string.format("%n", 1)
