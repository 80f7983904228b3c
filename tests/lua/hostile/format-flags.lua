-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: repeated flags overflow a buffer
-- expect: error repeated flags
string.format("%-----------------------------d", 1)
