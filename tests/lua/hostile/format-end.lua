-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: a lone % at the end
-- expect: error no value
string.format("%")
