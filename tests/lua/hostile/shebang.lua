-- SPDX-License-Identifier: Apache-2.0
-- class: parser
-- source: a first line for a shell
-- expect: error
#!/bin/sh
