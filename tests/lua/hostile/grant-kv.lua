-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: a service that was not granted
-- expect: error 'kv' is not granted
gantry.kv.get("x")
