-- SPDX-License-Identifier: Apache-2.0
-- class: error objects
-- source: % in messages reaches printf
-- expect: error %n%s%n
error("%n%s%n%s", 0)
