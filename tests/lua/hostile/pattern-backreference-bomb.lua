-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: back references to long captures
-- expect: any
(("a"):rep(20000)):find("(.+)%1b")
