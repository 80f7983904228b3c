-- SPDX-License-Identifier: Apache-2.0
-- class: looping handler
-- source: handlers that fail in themselves
-- expect: error second
xpcall(function() error("first") end, function() error("second") end)
