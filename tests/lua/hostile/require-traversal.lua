-- SPDX-License-Identifier: Apache-2.0
-- class: host files
-- source: require of ../../etc/passwd
-- expect: error is not the name of a module
require("../../etc/passwd")
