-- SPDX-License-Identifier: Apache-2.0
-- class: integer overflow
-- source: CVE-2025-46817: the count wraps
-- expect: error too many results to unpack
table.unpack({}, math.mininteger, math.maxinteger)
