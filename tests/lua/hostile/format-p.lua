-- SPDX-License-Identifier: Apache-2.0
-- class: addresses
-- source: %p shows where things are
-- expect: error invalid conversion
string.format("%p", {})
