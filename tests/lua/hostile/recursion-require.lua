-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: require inside require
-- expect: error
require("require-recursion")
