# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The two namespaces, the devices of every scenario, and the capture on the wire between them.
#
# The wire is eth0 on both sides: 192.0.2.0/24 and 2001:db8::/64, client .1, server .2. A net_*
# function that adds a device on top gives it 198.51.100.0/24 and 2001:db8:1::/64 and points PEER4
# and PEER6, which all traffic uses, at the server's inner address. It returns non-zero when the
# kernel does not know the device.

CLIENT=record-client
SERVER=record-server
PIDS=()   # servers of the scenario
CAPTURE='' # its tcpdump

in_client() { timeout 20 ip netns exec "$CLIENT" "$@"; }
in_server() { ip netns exec "$SERVER" "$@"; }

make_namespace()
{
	local setting
	ip netns add "$1" || return
	ip -n "$1" link set lo up
	# Only what a scenario asks for shall be on the wire.
	for setting in accept_dad=0 router_solicitations=0 autoconf=0 \
		mldv2_unsolicited_report_interval=10; do
		ip netns exec "$1" sysctl -qw "net.ipv6.conf.default.$setting"
	done
}

make_network()
{
	PEER4=192.0.2.2 PEER6=2001:db8::2
	make_namespace "$CLIENT" && make_namespace "$SERVER" || return
	ip -n "$CLIENT" link add eth0 address 02:00:00:00:00:01 type veth \
		peer name eth0 address 02:00:00:00:00:02 netns "$SERVER" || return
	number eth0 192.0.2 2001:db8:
}

# number DEVICE IPV4-PREFIX IPV6-PREFIX: addresses on both sides; up.
number()
{
	ip -n "$CLIENT" addr add "$2.1/24" dev "$1" &&
		ip -n "$SERVER" addr add "$2.2/24" dev "$1" &&
		ip -n "$CLIENT" addr add "$3:1/64" dev "$1" nodad &&
		ip -n "$SERVER" addr add "$3:2/64" dev "$1" nodad &&
		ip -n "$CLIENT" link set "$1" up && ip -n "$SERVER" link set "$1" up
}

# Addresses of a device on top of the wire: traffic goes there from now on.
number_inner()
{
	number "$1" 198.51.100 2001:db8:1: || return
	PEER4=198.51.100.2 PEER6=2001:db8:1::2
}

# The capture must hold what a wire would carry: no super packets, no missing checksums or tags.
settle_network()
{
	local namespace device
	for namespace in "$CLIENT" "$SERVER"; do
		for device in $(ip -n "$namespace" -br link | cut -d' ' -f1); do
			ip netns exec "$namespace" ethtool -K "${device%@*}" tx off tso off \
				gso off gro off txvlan off rxvlan off
		done
	done &>/dev/null # not every device has every one
	sleep 1.2 # IPv6 comes up late, and reports its multicast groups
}

drop_network()
{
	local namespace
	for namespace in "$CLIENT" "$SERVER"; do
		[ ! -e "/run/netns/$namespace" ] || ip netns del "$namespace"
	done
}

net_plain() { :; }

net_unnumbered() { ip -n "$CLIENT" addr flush dev eth0; }

net_sctp()
{
	modprobe sctp 2>/dev/null
	in_server test -d /proc/net/sctp
}

# pair NAME TYPE CLIENT-ARGUMENTS SERVER-ARGUMENTS: one tunnel device a side.
pair()
{
	# shellcheck disable=SC2086 # lists of arguments
	ip -n "$CLIENT" link add "$1" type $2 $3 && ip -n "$SERVER" link add "$1" type $2 $4 &&
		number_inner "$1"
}

# tunnel TYPE [ARGUMENTS]: a pair between the IPv4 addresses of the wire.
tunnel()
{
	pair tunnel0 "$1" "$2 local 192.0.2.1 remote 192.0.2.2" \
		"$2 local 192.0.2.2 remote 192.0.2.1"
}

net_gre() { tunnel gre ''; }
net_gretap() { tunnel gretap 'key 42'; }
net_vxlan() { tunnel vxlan 'id 42 dev eth0 dstport 4789'; }
net_ipip() { tunnel ipip ''; }
net_sit() { tunnel sit 'mode ip6ip'; }
net_geneve() { pair tunnel0 geneve 'id 42 remote 192.0.2.2' 'id 42 remote 192.0.2.1'; }

net_ip6tnl()
{
	pair tunnel0 ip6tnl 'mode any encaplimit none local 2001:db8::1 remote 2001:db8::2' \
		'mode any encaplimit none local 2001:db8::2 remote 2001:db8::1'
}

# tag NAMESPACE LOWER PROTOCOL ID NAME
tag() { ip -n "$1" link add link "$2" name "$5" type vlan proto "$3" id "$4"; }

net_vlan()
{
	tag "$CLIENT" eth0 802.1Q 100 vlan100 && tag "$SERVER" eth0 802.1Q 100 vlan100 &&
		number_inner vlan100
}

net_qinq()
{
	local namespace
	for namespace in "$CLIENT" "$SERVER"; do
		tag "$namespace" eth0 802.1ad 200 outer && ip -n "$namespace" link set outer up &&
			tag "$namespace" outer 802.1Q 300 inner || return
	done
	number_inner inner
}

net_mpls()
{
	modprobe -a mpls_router mpls_iptunnel 2>/dev/null
	in_server sysctl -qw net.mpls.platform_labels=1000 net.mpls.conf.eth0.input=1 \
		net.mpls.conf.lo.input=1 net.ipv4.conf.lo.rp_filter=0 \
		net.ipv4.conf.all.rp_filter=0 || return
	ip -n "$SERVER" addr add 198.51.100.2/32 dev lo &&
		ip -n "$SERVER" -f mpls route add 100 dev lo &&
		ip -n "$SERVER" -f mpls route add 200 dev lo &&
		ip -n "$CLIENT" route add 198.51.100.2/32 encap mpls 100/200 \
			via inet 192.0.2.2 || return
	PEER4=198.51.100.2
}

net_esp()
{
	local namespace keys
	keys="enc aes 0x000102030405060708090a0b0c0d0e0f auth sha256 0x$(printf '%064d' 1)"
	for namespace in "$CLIENT" "$SERVER"; do
		# shellcheck disable=SC2086 # list of arguments
		ip -n "$namespace" xfrm state add src 192.0.2.1 dst 192.0.2.2 \
			proto esp spi 0x1001 $keys &&
			ip -n "$namespace" xfrm state add src 192.0.2.2 dst 192.0.2.1 \
				proto esp spi 0x2002 $keys || return
	done
	protect "$CLIENT" 192.0.2.1 192.0.2.2 && protect "$SERVER" 192.0.2.2 192.0.2.1
}

# protect NAMESPACE OWN-ADDRESS OTHER-ADDRESS: all between the two goes by ESP.
protect()
{
	ip -n "$1" xfrm policy add src "$2" dst "$3" dir out tmpl proto esp mode transport &&
		ip -n "$1" xfrm policy add src "$3" dst "$2" dir in tmpl proto esp mode transport
}

start_capture()
{
	ip netns exec "$SERVER" tcpdump -i eth0 -Z root -U --immediate-mode -w "$1" \
		2>"$PLACE/tcpdump.log" &
	CAPTURE=$!
	await grep -q 'listening on' "$PLACE/tcpdump.log" && return
	echo "tcpdump did not start" >&2
	return 1
}

stop_capture()
{
	sleep 0.5 # last acknowledgements
	kill "$CAPTURE" && wait "$CAPTURE"
	CAPTURE=''
	grep -q '^0 packets dropped' "$PLACE/tcpdump.log" && return
	echo "tcpdump lost packets" >&2
	return 1
}

# await COMMAND...: until it succeeds, at most 20 seconds.
await()
{
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" &>/dev/null && return
		sleep 0.1
	done
	return 1
}

# start NAME COMMAND...: a server in the background, ended by stop_all.
start()
{
	local name=$1
	shift
	ip netns exec "$SERVER" "$@" >"$PLACE/$name.log" 2>&1 </dev/null &
	PIDS+=($!)
}

# await_port t|u PORT NAME
await_port()
{
	await listening "$1" "$2" || { echo "$3 does not listen on port $2" >&2; return 1; }
}

listening() { in_server ss -Hln"$1" "sport = :$2" | grep -q .; }

# Jobs, not kill -0, as an ended child stays until it is waited for.
all_ended() { [ -z "$(jobs -rp)" ]; }

stop_all()
{
	[ -z "$CAPTURE" ] || PIDS+=("$CAPTURE")
	if [ ${#PIDS[@]} -gt 0 ]; then
		kill "${PIDS[@]}"
		await all_ended || kill -KILL "${PIDS[@]}"
	fi 2>/dev/null
	wait
	CAPTURE='' PIDS=()
}
