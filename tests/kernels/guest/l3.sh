#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Interfaces whose packets begin with IP: ipip and WireGuard. Each is watched by itself, on top of
# the veth pair that carries it, and what weir counts is what the interface counts.

cd "$(dirname "$0")/../lib" || exit
. ./tap.sh
. ./network.sh
. ./weir.sh

PINGS=10 PING_BYTES=128 # IP 20, ICMP 8, 100 bytes
ADDRESS=198.51.100

# both DEVICE: addresses of the two ends, up.
both()
{
	ip -n "$A" addr add "$ADDRESS.1/24" dev "$1" && ip -n "$B" addr add "$ADDRESS.2/24" dev "$1" &&
		ip -n "$A" link set "$1" up && ip -n "$B" link set "$1" up
}

make_ipip()
{
	ip -n "$A" link add l3 type ipip local 192.0.2.1 remote 192.0.2.2 &&
		ip -n "$B" link add l3 type ipip local 192.0.2.2 remote 192.0.2.1 && both l3
}

make_wireguard()
{
	(umask 077 && wg genkey >"$DIR/key-a" && wg genkey >"$DIR/key-b") || return
	ip -n "$A" link add l3 type wireguard && ip -n "$B" link add l3 type wireguard || return
	in_a wg set l3 listen-port 51820 private-key "$DIR/key-a" peer "$(wg pubkey <"$DIR/key-b")" \
		endpoint 192.0.2.2:51820 allowed-ips "$ADDRESS.2/32" &&
		in_b wg set l3 listen-port 51820 private-key "$DIR/key-b" peer \
			"$(wg pubkey <"$DIR/key-a")" endpoint 192.0.2.1:51820 allowed-ips "$ADDRESS.1/32" &&
		both l3
}

watched() { in_b weir status -i l3 2>/dev/null | grep -q 'weir_tc_l3.*weir_tc_l3'; }

watch_l3()
{
	rm -f "$DIR/flows.csv" "$DIR/summary.json"
	ip netns exec "$B" weir -i l3 --hook tc --fields "$FIELDS,src_mac" -o "csv:$DIR/flows.csv" \
		--summary "$DIR/summary.json" icmp 2>"$DIR/stderr" &
	WEIR_PID=$!
	await opened_or_ended
	if ! await watched; then
		end_weir KILL
		not_ok "$1: weir attaches" "$(cat "$DIR/stderr")"
		return
	fi
	in_a busybox ping -q -c "$PINGS" -i 0.05 -s 100 "$ADDRESS.2" >"$DIR/output" 2>&1
	sleep 0.5
	end_weir INT
	is "$1: exit code" "$code" 0
	is "$1: every answer came" "$(grep -o '[0-9]* packets received' "$DIR/output")" \
		"$PINGS packets received"
	is "$1: one flow, without addresses of the link" "$(sed 1d "$DIR/flows.csv")" \
		"$ADDRESS.1,0,$ADDRESS.2,0,1,0,$PINGS,$PINGS,$((2 * PINGS)),$((2 * PINGS * PING_BYTES)),00:00:00:00:00:00"
}

knows --hook || { skip "l3" "weir has no --hook"; finish; }
set_up
for kind in ipip wireguard; do
	if make_$kind 2>"$DIR/output"; then
		watch_l3 $kind
	else
		skip "$kind" "$(head -n 1 "$DIR/output")"
	fi
	ip -n "$A" link del l3 2>/dev/null
	ip -n "$B" link del l3 2>/dev/null
done
finish
