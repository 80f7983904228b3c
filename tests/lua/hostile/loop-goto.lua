-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: goto
-- expect: stop
::again:: goto again
