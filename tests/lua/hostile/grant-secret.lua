-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: a secret that was not granted
-- expect: error 'secret:x' is not granted
gantry.secret("x")
