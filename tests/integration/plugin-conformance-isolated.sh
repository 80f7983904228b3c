#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# plugin-conformance.sh with every driver in a process of its own, confined to what its
# manifest asks for; killed at fewer places, since each costs a process.
ISOLATION=process CHECK_FLAGS=--quick
. "$(dirname "$0")/plugin-conformance.sh"
