#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# plugin-conformance-served.sh with every driver in a process of its own, confined to what
# its manifest asks for.
ISOLATION=process
. "$(dirname "$0")/plugin-conformance-served.sh"
