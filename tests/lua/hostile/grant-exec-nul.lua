-- SPDX-License-Identifier: Apache-2.0
-- class: grants
-- source: NUL bytes cut arguments
-- expect: error NUL bytes
gantry.exec({ "sh\0evil" })
