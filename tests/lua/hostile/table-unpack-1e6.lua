-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: more than the stack holds
-- expect: error too many results to unpack
table.unpack({}, 1, 1000000)
