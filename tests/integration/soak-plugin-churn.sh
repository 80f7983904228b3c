#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 50 containers write logs while log hosts are reloaded, upgraded and killed 100 times each.
CONTAINERS=50 ROUNDS=100 exec bash "$(dirname "${BASH_SOURCE[0]}")/plugin-churn.sh"
