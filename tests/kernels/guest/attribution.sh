#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Whose flows are: iperf3's at both ends of a veth. Before Linux 6.3 only TCP's, and weir says so.

cd "$(dirname "$0")/../lib" || exit
. ./tap.sh
. ./network.sh
. ./weir.sh

# The tracepoints of sent and received messages.
has_messages() { uname -r | awk -F. '{ exit !($1 > 6 || ($1 == 6 && $2 + 0 >= 3)) }'; }

# attributed NAME PROTOCOL EXPECTED ARGUMENT...: "process process" of each flow, once each.
attributed()
{
	name=$1 protocol=$2 expected=$3
	shift 3
	start_weir tc --attribute all --fields src_process,dst_process,protocol || return
	iperf 192.0.2.2 "$@" >"$DIR/output"
	settle
	end_weir INT
	is "$name: exit code" "$code" 0
	is "$name: processes" "$(awk -F, -v p="$protocol" '$3 == p { print $1, $2 }' "$DIR/flows.csv" | sort -u)" "$expected"
	is "$name: messages lost" "$(sed -n 's/.*"attribution":{[^}]*"lost":\([0-9]*\).*/\1/p' "$DIR/summary.json")" 0
}

knows --attribute || { skip "attribution" "weir has no --attribute"; finish; }
set_up
attributed tcp 6 "iperf3 iperf3" -n 200K
if has_messages; then
	is "nothing is missing" "$(grep -c "before Linux 6.3" "$DIR/stderr")" 0
	attributed udp 17 "iperf3 iperf3" -u -l 1000 -b 10M -k 100
else
	is "what is missing is told" "$(grep -c 'before Linux 6.3 UDP is not attributed' "$DIR/stderr")" 1
fi
finish
