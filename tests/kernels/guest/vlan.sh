#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# iperf3 over an 802.1Q VLAN while weir watches the interface below it: packets and bytes are the
# interface's, every record has the VLAN, whether the tag is in the packet or set aside in the skb.

cd "$(dirname "$0")/../lib" || exit
. ./tap.sh
. ./network.sh
. ./weir.sh

ID=100 ADDRESS=198.51.100

make_vlan()
{
	ip -n "$A" link add link va name "va.$ID" type vlan id "$ID" &&
		ip -n "$B" link add link vb name "vb.$ID" type vlan id "$ID" &&
		number ".$ID" "$ADDRESS"
}

# watch HOOK NAME ASIDE ARGUMENT...: ASIDE is how many bytes of a tag the interface's counters leave
# out of each packet.
watch()
{
	hook=$1 name="$1 vlan $2" aside=$3
	shift 3
	start_weir "$hook" || return
	measured iperf "$ADDRESS.2" "$@"
	end_weir INT
	if ! grep -q 'iperf Done' "$DIR/output"; then
		not_ok "$name: traffic" "$(cat "$DIR/output" "$DIR/iperf-server")"
		return
	fi
	check_run "$name" "$packets" $((bytes + aside * packets))
	is "$name: VLAN of every record" "$(sed 1d "$DIR/flows.csv" | cut -d, -f6 | sort -u)" "$ID"
}

watch_both()
{
	watch "$1" "tcp, $2" "$3" -n 2M
	wipe
	watch "$1" "udp, $2" "$3" -u -l 1000 -b 20M -k 500
	wipe
}

# With --dedup the interface of the VLAN and the one below it count each packet once.
watch_once()
{
	name="tc vlan once"
	LINKS=4
	start_weir tc -i "vb.$ID" --dedup
	started=$?
	unset LINKS
	[ "$started" = 0 ] || return
	measured iperf "$ADDRESS.2" -n 2M
	end_weir INT
	is "$name: packets" "$(summary metered)" "$packets"
	is "$name: duplicates" "$(summary duplicate)" "$packets"
	is "$name: VLAN of every record" "$(sed 1d "$DIR/flows.csv" | cut -d, -f6 | sort -u)" "$ID"
	wipe
}

# The tag stays in the skb's metadata across the pair, and the counters do not see it.
set_tags_aside()
{
	in_a ethtool -K va txvlan on && in_b ethtool -K vb txvlan on
} >/dev/null 2>&1

knows --hook || { skip "vlan" "weir has no --hook"; finish; }
set_up
if ! make_vlan 2>"$DIR/output"; then
	skip "vlan" "no 802.1Q here: $(head -n 1 "$DIR/output")"
	finish
fi
watch_both tc "tag in the packet" 0
watch_both xdp "tag in the packet" 0
watch_once
set_tags_aside || { not_ok "ethtool -K txvlan on" ""; finish; }
watch_both tc "tag aside" 4
finish
