-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: no Lua at all
-- expect: error syntax error
this is not lua
