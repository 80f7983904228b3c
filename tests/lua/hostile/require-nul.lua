-- SPDX-License-Identifier: Apache-2.0
-- class: host files
-- source: NUL bytes cut names
-- expect: error is not the name of a module
require("\0")
