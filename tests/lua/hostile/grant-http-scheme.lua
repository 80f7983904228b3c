-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: file:// reads files
-- expect: error only http
gantry.http("GET", "file:///etc/passwd")
