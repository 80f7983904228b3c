-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: a byte order mark in the middle
-- expect: error
local x = 1
﻿local y = 2
