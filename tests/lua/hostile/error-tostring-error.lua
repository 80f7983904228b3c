-- SPDX-License-Identifier: Apache-2.0
-- class: error objects
-- source: __tostring that fails
-- expect: error cannot be shown
error(setmetatable({}, { __tostring = function() error("again") end }))
