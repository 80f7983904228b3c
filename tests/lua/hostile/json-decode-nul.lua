-- SPDX-License-Identifier: Apache-2.0
-- class: host parsers
-- source: NUL bytes end the text early
-- expect: error not JSON
gantry.json.decode("{}\0{}")
