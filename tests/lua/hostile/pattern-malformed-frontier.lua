-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: %f without a set
-- expect: error missing '['
("x"):find("%f")
