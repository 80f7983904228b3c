-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: reference to a position capture
-- expect: ok
assert(("xx"):find("()%1") == nil)
