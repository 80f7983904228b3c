-- SPDX-License-Identifier: Apache-2.0
-- class: error objects
-- source: a megabyte of message
-- expect: error xxxx
error(("x"):rep(1 << 20))
