-- SPDX-License-Identifier: Apache-2.0
-- class: host output
-- source: terminal escapes and line breaks
-- expect: ok
print("\27[2J\nfake line\r")
