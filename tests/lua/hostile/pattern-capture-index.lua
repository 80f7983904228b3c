-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: reference to a capture that is not there
-- expect: error invalid capture index
("x"):find("%1")
