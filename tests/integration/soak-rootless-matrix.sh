#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every cell of rootless-matrix.sh.
ALL_CELLS=1 exec bash "$(dirname "$0")/rootless-matrix.sh"
