-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: ends in the middle
-- expect: error
local x = "
