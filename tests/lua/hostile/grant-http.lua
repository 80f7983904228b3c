-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: a service that was not granted
-- expect: error 'http:example.com' is not granted
gantry.http("GET", "http://example.com/")
