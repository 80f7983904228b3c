#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same with three hundred kills.
CRASH_KILLS=300
. "$(dirname "$0")/crash-killed.sh"
