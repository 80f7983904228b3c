#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same with the real docker client against gantryd.
CLIENT=docker
. "$(dirname "$0")/container-restarting.sh"
