-- SPDX-License-Identifier: Apache-2.0
-- class: error objects
-- source: error(nil) crashed hosts that print it
-- expect: error nil
error(nil)
