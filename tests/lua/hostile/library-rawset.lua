-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: rawset goes around __newindex
-- expect: error cannot change a protected table
rawset(string, "format", nil)
