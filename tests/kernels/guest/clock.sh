#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The wall clock is set while weir watches: no flow ends early or late, and none gets longer.

cd "$(dirname "$0")/../lib" || exit
. ./tap.sh
. ./network.sh
. ./weir.sh

PINGS=10
ping_peer() { in_a busybox ping -q -c "$PINGS" -i 0.02 -s 100 192.0.2.2 >/dev/null; }

# step SECONDS: of the guest's own clock.
step() { date -s "@$(($(date +%s) + $1))" >/dev/null; }

# One flow of three bursts, between which the clock goes forth by a day and back by two.
across_steps()
{
	start_weir "$1" --fields "$FIELDS,duration" --idle-timeout 60 || return
	ping_peer
	step 86400
	ping_peer
	step -172800
	ping_peer
	sleep 1
	end_weir INT
	step 86400
	is "$1: exit code" "$code" 0
	is "$1: one flow with all packets" "$(sed 1d "$DIR/flows.csv" | cut -d, -f7,8)" \
		"$((3 * PINGS)),$((3 * PINGS))"
	is "$1: no longer than the test" \
		"$(sed 1d "$DIR/flows.csv" | awk -F, '{ print $11 < 60000 ? "short" : $11 }')" short
}

knows --hook || { skip "clock" "weir has no --hook"; finish; }
set_up
across_steps tc
wipe
finish
