# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Two namespaces joined by a veth pair, va (192.0.2.1) and vb (192.0.2.2), in which nothing moves
# but what a test sends: no IPv6, no ARP, no super-packets. Their names hold the pid, so that the
# tests also run beside each other on a machine that is not a guest.

A=weir-a$$ B=weir-b$$
PORT=5201 # iperf3's; 0x1451 below

in_a() { ip netns exec "$A" "$@"; }
in_b() { ip netns exec "$B" "$@"; }

# await COMMAND...: until it succeeds, at most 20 seconds.
await()
{
	give_up=$(($(date +%s) + 20))
	until "$@"; do
		[ "$(date +%s)" -lt "$give_up" ] || return 1
		sleep 0.1
	done
}

make_namespace()
{
	ip netns add "$1" && ip -n "$1" link set lo up &&
		ip netns exec "$1" sh -c '
			for of in all default; do echo 1 >/proc/sys/net/ipv6/conf/$of/disable_ipv6; done'
}

# number SUFFIX NETWORK: addresses of both ends, each with the other's link address at hand.
number()
{
	mac_a=$(in_a cat "/sys/class/net/va$1/address") mac_b=$(in_b cat "/sys/class/net/vb$1/address")
	ip -n "$A" addr add "$2.1/24" dev "va$1" && ip -n "$B" addr add "$2.2/24" dev "vb$1" &&
		ip -n "$A" link set "va$1" up && ip -n "$B" link set "vb$1" up &&
		ip -n "$A" neigh replace "$2.2" lladdr "$mac_b" dev "va$1" nud permanent &&
		ip -n "$B" neigh replace "$2.1" lladdr "$mac_a" dev "vb$1" nud permanent
}

# A veth pair does not have every one of them; offloads() tells what is left.
no_offloads()
{
	set -- tx off rx off sg off tso off gso off gro off txvlan off rxvlan off
	{ in_a ethtool -K va "$@"; in_b ethtool -K vb "$@"; } >/dev/null 2>&1
}

offloads()
{
	{ in_a ethtool -k va; in_b ethtool -k vb; } |
		grep -E '^(tcp-segmentation|generic-segmentation|generic-receive|[rt]x-vlan)-offload: on'
}

make_network()
{
	make_namespace "$A" && make_namespace "$B" &&
		ip link add va netns "$A" type veth peer name vb netns "$B" || return
	no_offloads
	number '' 192.0.2
}

drop_network()
{
	for namespace in "$A" "$B"; do
		[ ! -e "/run/netns/$namespace" ] || ip netns del "$namespace"
	done
}

# vb's rx_packets tx_packets rx_bytes tx_bytes.
counters()
{
	in_b sh -c 'cd /sys/class/net/vb/statistics && cat rx_packets tx_packets rx_bytes tx_bytes' |
		paste -s -d ' '
}

# Until the last acknowledgement is through.
settle()
{
	last=
	until [ "$last" = "$(counters)" ]; do
		last=$(counters)
		sleep 0.3
	done
}

# Port 5201, state LISTEN.
listening() { in_b cat /proc/net/tcp /proc/net/tcp6 | grep -q ':1451 [0-9A-F]*:0000 0A'; }

# iperf ADDRESS ARGUMENT...: one transfer to a server in B; prints what the client says.
iperf()
{
	address=$1
	shift
	ip netns exec "$B" timeout 90 iperf3 -s -1 -B "$address" -p "$PORT" >"$DIR/iperf-server" 2>&1 &
	iperf_server=$!
	if await listening; then
		in_a timeout 60 iperf3 -c "$address" -p "$PORT" "$@" 2>&1
	else
		cat "$DIR/iperf-server"
		kill "$iperf_server"
	fi
	wait "$iperf_server"
}
