-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: nothing
-- expect: ok

