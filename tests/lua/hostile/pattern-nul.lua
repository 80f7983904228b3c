-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: NUL bytes in subject and pattern
-- expect: ok
assert(("a\0b"):find("\0", 1, true) == 2 and ("a\0b"):find("%z") == nil and ("a\0b"):find("[\0]") == 2)
