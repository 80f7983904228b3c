-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: line breaks smuggle headers
-- expect: error malformed URL
gantry.http("GET", "http://example.com/\r\nHost: evil")
