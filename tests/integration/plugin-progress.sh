#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A native driver out of process says that it goes on, which extends its deadline, and hears
# that its caller has given up; also one that is serial.  One budget of time is all that a
# request may spend in plugins.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

for name in patient patients; do
	mkdir -p "$T/plugins/volume/$name"
	cp "$GANTRY_BUILD/tests/plugins/patient.so" "$T/plugins/volume/$name/$name.so"
	printf 'name = "volume-patient"; version = "1"; needs = "1.0"; isolation = "process";
		drivers = ( { kind = "volume"; name = "patient"; }, { kind = "volume"; name = "patients"; } );
		permissions = [ ];\n' >"$T/plugins/volume/$name/plugin.conf"
done
echo 'drivers: { volume: { patient: { deadline_s = 2; }; patients: { deadline_s = 2; }; }; };' >"$T/gantry.conf"
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins
start_daemon --config-file "$T/gantry.conf"
d() { timeout -k 5 90 "$GANTRY_BUILD/gantry" "$@"; }
stat_of() { d plugin stats --format "{{.$2}}" "volume/$1"; }

for name in patient patients; do
	expect "slow-$name" "$(d volume create -d $name -o do=work:5000 "slow-$name" 2>&1)" "$name: progress extends the deadline"
	expect_error 1 "it took too long and was cancelled" d volume create -d $name -o do=wait "never-$name"
	expect 0 "$(stat_of $name Crashes)" "$name: who heeds a cancellation is not stopped"
	expect 1 "$(stat_of $name Restarts)" "$name: starts"
	expect_error 1 "did not answer in time" d volume create -d $name -o do=sleep:20000 "deaf-$name"
	expect 1 "$(stat_of $name Crashes)" "$name: who does not is"
	expect "next-$name" "$(d volume create -d $name "next-$name" 2>&1)" "$name: the next call"
done

# One budget for a request, whatever the operation's own deadline is
echo 'plugin: { budget_s = 2; };' >"$T/budget.conf"
export GANTRY_CONFIG_FILE=$T/budget.conf
unset DOCKER_HOST
expect_error 1 "it took too long and was cancelled" gantry volume create -d patient -o do=wait budget
expect fast "$(gantry volume create -d patient fast 2>&1)" "a request within its budget"
