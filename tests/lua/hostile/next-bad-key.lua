-- SPDX-License-Identifier: Apache-2.0
-- class: iterator abuse
-- source: next with a key that is not there
-- expect: error invalid key to 'next'
next({}, "nothing")
