#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A bond of two interfaces, one in use at a time. With --dedup the bond and those below it count each
# packet once, also of a flow that goes on over the other one.

cd "$(dirname "$0")/../lib" || exit
. ./tap.sh
. ./network.sh
. ./weir.sh

NETWORK=198.51.100

# make_bond NAMESPACE INTERFACE: of the interface and its second one.
make_bond()
{
	ip -n "$1" link add "$2-bond" type bond mode active-backup num_grat_arp 0 || return
	for port in "$2" "${2}1"; do
		ip -n "$1" link set "$port" down && ip -n "$1" link set "$port" master "$2-bond" || return
	done
}

make_bonds()
{
	ip link add va1 netns "$A" type veth peer name vb1 netns "$B" &&
		make_bond "$A" va && make_bond "$B" vb && number -bond "$NETWORK"
}

# use SUFFIX: va and vb, or va1 and vb1.
use()
{
	ip -n "$A" link set va-bond type bond active_slave "va$1" &&
		ip -n "$B" link set vb-bond type bond active_slave "vb$1"
}

# What went through the ports, and through each.
count_ports()
{
	in_b sh -c 'cd /sys/class/net && cat vb/statistics/[rt]x_packets vb1/statistics/[rt]x_packets' |
		awk '{ sum += $1; port[NR > 2] += $1 } END { print sum, (port[0] > 50), (port[1] > 50) }'
}

# A call of iperf3 has connections of its own; its datagrams have the same ports each time.
transfer()
{
	iperf "$NETWORK.2" -u -l 1000 -b 5M -k 100 --cport 7000 >"$DIR/output"
	settle
}

datagrams() { awk -F, '$5 == 17 && $2 == 7000 { n++; p += $7 } END { print n + 0, p + 0 }' "$DIR/flows.csv"; }

knows --dedup || { skip "bond" "weir has no --dedup"; finish; }
set_up
if ! make_bonds 2>"$DIR/output"; then
	skip "bond" "no bonds here: $(head -n 1 "$DIR/output")"
	finish
fi
use ''
# shellcheck disable=SC2046 # a list of numbers
set -- $(count_ports)
LINKS=6
start_weir tc -i vb1 -i vb-bond --dedup || finish
transfer
use 1
sleep 1.5 # the first port is silent for longer than a second
transfer
end_weir INT
before=$1
# shellcheck disable=SC2046 # a list of numbers
set -- $(count_ports)
packets=$(($1 - before))
is "tc bond once: exit code" "$code" 0
is "tc bond once: both ports are used" "$2 $3" "1 1"
is "tc bond once: packets, duplicates, lost" "$(summary metered) $(summary duplicate) $(summary_group lost)" "$packets $packets 0"
is "tc bond once: the flow goes on" "$(datagrams)" "1 202"
finish
