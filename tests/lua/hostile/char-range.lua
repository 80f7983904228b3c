-- SPDX-License-Identifier: Apache-2.0
-- class: bounds
-- source: string.char out of range
-- expect: error value out of range
string.char(256)
