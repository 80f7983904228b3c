-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: capture never opened
-- expect: error invalid pattern capture
("x"):match(")")
