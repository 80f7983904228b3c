-- SPDX-License-Identifier: Apache-2.0
-- class: type confusion
-- source: too few arguments
-- expect: error value expected
rawequal(1)
