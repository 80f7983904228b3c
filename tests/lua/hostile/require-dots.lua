-- SPDX-License-Identifier: Apache-2.0
-- class: host files
-- source: require("..")
-- expect: error is not the name of a module
require("a..b")
