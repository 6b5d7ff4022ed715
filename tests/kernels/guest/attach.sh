#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# weir's own programs on a veth: exact counts by each hook, nothing left behind after a stop, and
# what a kill leaves is cleared away. By TCX where the kernel has it, else by clsact.

cd "$(dirname "$0")/../lib" || exit
. ./tap.sh
. ./network.sh
. ./weir.sh

# Of an echo with 100 bytes: Ethernet 14, IP 20, ICMP 8.
PINGS=20 PING_BYTES=142
# shellcheck disable=SC2317 # called by measured
ping_peer() { in_a busybox ping -q -c "$PINGS" -i 0.02 -s 100 192.0.2.2; }

by_ping()
{
	clean=$(traces)
	start_weir "$1" || return
	measured ping_peer
	end_weir INT
	is "$1: nothing stays after SIGINT" "$(traces)" "$clean"
	check_run "$1 ping" $((2 * PINGS)) $((2 * PINGS * PING_BYTES))
	is "$1 ping: one flow" "$(sed 1d "$DIR/flows.csv")" \
		"192.0.2.1,0,192.0.2.2,0,1,0,$PINGS,$PINGS,$((2 * PINGS)),$((2 * PINGS * PING_BYTES))"
	is "$1 ping: every answer came" "$(grep -o '[0-9]* packets received' "$DIR/output")" \
		"$PINGS packets received"
}

# by_iperf HOOK NAME PROTOCOL ARGUMENT...
by_iperf()
{
	hook=$1 name="$1 $2" protocol=$3
	shift 3
	start_weir "$hook" || return
	measured iperf 192.0.2.2 "$@"
	end_weir INT
	if ! grep -q 'iperf Done' "$DIR/output"; then
		not_ok "$name: traffic" "$(cat "$DIR/output" "$DIR/iperf-server")"
		return
	fi
	check_run "$name" "$packets" "$bytes"
	is "$name: one flow of data, one of control" \
		"$(awk -F, -v p="$protocol" 'NR > 1 { n++; of += $5 == p } END { print n, of }' "$DIR/flows.csv")" \
		"2 $([ "$protocol" = 6 ] && echo 2 || echo 1)"
}

by_udp() { by_iperf "$1" udp 17 -u -l 1000 -b 20M -k 500; }
by_tcp() { by_iperf "$1" tcp 6 -n 2M; }

dies_clean()
{
	clean=$(traces)
	start_weir "$1" || return
	end_weir KILL
	await attached ''
	is "$1: nothing stays after SIGKILL" "$(traces)" "$clean"
}

# leave_filters HOOK: a weir that was killed; its clsact filters are still there.
leave_filters()
{
	start_weir "$1" || return
	end_weir KILL
	left=$(attachments_of "$1" | sed 's/^xdp //')
	await attached "$left"
	is "$1: SIGKILL leaves what clsact holds" "$(attachments)" "$left"
}

filters_gone()
{
	is "$1" "$(filters ingress)$(filters egress)" ""
}

# The last filter that a start attaches is another program's than what was left there.
taken_over() { [ "$(filters egress)" != "$left_egress" ] && [ "$(filter_count egress)" = 1 ]; }

next_start_clears()
{
	leave_filters "$1" || return
	left_egress=$(filters egress)
	start_weir "$1" || return
	await taken_over || not_ok "$1: the next start takes over what a kill left" "$(filters egress)"
	measured ping_peer
	end_weir INT
	check_run "$1 after a kill" $((2 * PINGS)) $((2 * PINGS * PING_BYTES))
	filters_gone "$1: the next start and stop clear what a kill left"
}

detach_clears()
{
	if ! knows 'weir .*detach'; then
		skip "$1: weir detach" "weir has no detach"
		return
	fi
	leave_filters "$1" || return
	in_b weir detach >"$DIR/output" 2>&1
	is "$1: weir detach: exit code" "$?" 0
	filters_gone "$1: weir detach clears what a kill left"
}

# A filter that is not weir's, written in classic BPF so that nothing but tc is needed: it stays, and
# weir counts beside it.
by_tcp_beside_others()
{
	in_b tc qdisc add dev vb clsact
	in_b tc filter add dev vb ingress pref "$THEIR_PREF" bpf bytecode '1,6 0 0 0' flowid 1:1
	theirs=$(traces)
	by_tcp "$1"
	is "$1: a filter of somebody else stays" "$(traces)" "$theirs"
}

knows --hook || { skip "attach" "weir has no --hook"; finish; }
set_up
if has_tcx; then
	after_a_kill=dies_clean
else
	after_a_kill='next_start_clears detach_clears'
fi
for hook_under_test in tc xdp; do
	for test in by_ping by_udp by_tcp_beside_others $after_a_kill; do
		$test $hook_under_test
		wipe
	done
done
finish
