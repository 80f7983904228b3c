-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: user@host confuses who reads the host
-- expect: error malformed URL
gantry.http("GET", "http://allowed.example@evil.example/")
