-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: a service that was not granted
-- expect: error 'counter' is not granted
gantry.counter.add("x", 1, 60)
