-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: CVE-2022-28805: <const> _ENV crashed the parser
-- expect: any
local _ENV <const> = {}
x = 1
local y = x
