-- SPDX-License-Identifier: Apache-2.0
-- class: host files
-- source: type confusion in require
-- expect: error is not the name of a module
require(1 .. "/" .. 2)
