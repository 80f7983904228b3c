-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: CVE-2025-46817: overflow in unpack
-- expect: error too many results to unpack
table.unpack({}, 0, math.maxinteger)
