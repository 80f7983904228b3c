-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: %q does not exist here
-- expect: error invalid conversion
string.format("%q", "x")
