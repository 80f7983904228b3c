-- SPDX-License-Identifier: Apache-2.0
-- class: environment
-- source: the globals of the host through _ENV
-- expect: ok
assert(_ENV == _G and _G._G == _G)
