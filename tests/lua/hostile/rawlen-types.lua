-- SPDX-License-Identifier: Apache-2.0
-- class: type confusion
-- source: rawlen of what has no length
-- expect: error table or string expected
rawlen(print)
