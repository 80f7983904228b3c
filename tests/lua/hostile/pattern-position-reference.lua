-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: reference to a position capture
-- expect: error invalid capture index
("xx"):find("()%1")
