-- SPDX-License-Identifier: Apache-2.0
-- class: error objects
-- source: a function as error
-- expect: error function
error(print)
