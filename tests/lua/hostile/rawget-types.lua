-- SPDX-License-Identifier: Apache-2.0
-- class: type confusion
-- source: rawget of a non-table
-- expect: error table expected
rawget("x", "len")
