-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: reference to an open capture
-- expect: error invalid capture index
("xx"):find("(x%1)")
