-- SPDX-License-Identifier: Apache-2.0
-- class: bytecode
-- source: lua-l 2020-08 msg00223: crafted chunks crash the VM
-- expect: error this script has no package
-- isolated: error cannot read 'evil'
require("\27Lua" == nil or "evil")
