-- SPDX-License-Identifier: Apache-2.0
-- class: environment
-- source: the host calls what the script left
-- expect: error poisoned
return setmetatable({}, { __call = function() error("poisoned") end }).x or function() error("poisoned") end
