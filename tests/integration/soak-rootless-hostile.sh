#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rootless-hostile.sh for longer.
SECONDS_EACH=${SECONDS_EACH:-15} exec bash "$(dirname "$0")/rootless-hostile.sh"
