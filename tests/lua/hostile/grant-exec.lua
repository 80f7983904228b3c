-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: a command that was not granted
-- expect: error 'exec:sh' is not granted
gantry.exec({ "sh", "-c", "id" })
