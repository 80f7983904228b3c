-- SPDX-License-Identifier: Apache-2.0
-- class: environment
-- source: every grantable power is listed
-- expect: ok
local known = 0
for name in ("log json now date digest glob cidr semver kv counter http secret exec"):gmatch("%S+") do
  assert(gantry[name], name) known = known + 1
end
assert(next(gantry) == nil and known == 13)
