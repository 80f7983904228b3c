-- SPDX-License-Identifier: Apache-2.0
-- class: error objects
-- source: a table as error
-- expect: error table
error({})
