-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: thousands of labels
-- expect: any
goto done
do local a = 1 end
::done::
