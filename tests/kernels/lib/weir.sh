# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# weir on vb: started until it is attached, stopped, and its numbers. Needs network.sh and tap.sh.

FIELDS=src_ip,src_port,dst_ip,dst_port,protocol,vlan_id,src2dst_packets,dst2src_packets,total_packets,total_bytes
WEIR_PID=
THEIR_PREF=4242 # of a filter that is not weir's

# knows WORD: whether weir's help has it.
knows() { weir --help-all | grep -q -e "$1"; }

# TCX came with Linux 6.6.
has_tcx()
{
	uname -r | awk -F. '{ exit !($1 > 6 || ($1 == 6 && $2 + 0 >= 6)) }'
}

filters() { tc -n "$B" filter show dev vb "$1"; }
filter_count() { filters "$1" | grep -v " pref $THEIR_PREF " | grep -c ' handle 0x'; }
xdp() { ip -n "$B" link show dev vb | grep -o 'prog/xdp'; }
tcx_links() { cat "/proc/$WEIR_PID"/fdinfo/* 2>/dev/null | grep -c '^link_type:.tcx$'; }

# What is on vb, in one line: `tcx 2`, `clsact 1 1`, `xdp tcx 1`, `xdp clsact 0 1`, or nothing.
attachments()
{
	links=$(tcx_links) ingress=$(filter_count ingress) egress=$(filter_count egress)
	set -- $(xdp >/dev/null && echo xdp)
	[ "$links" = 0 ] || set -- "$@" tcx "$links"
	[ "$ingress$egress" = 00 ] || set -- "$@" clsact "$ingress" "$egress"
	echo "$*"
}

# attachments_of HOOK: what attachments() shall print on this kernel.
attachments_of()
{
	case $1 in
	tc) has_tcx && echo tcx "${LINKS:-2}" || echo clsact 1 1 ;;
	xdp) has_tcx && echo xdp tcx 1 || echo xdp clsact 0 1 ;;
	esac
}

# All that could stay on vb or in bpffs.
traces()
{
	in_b tc qdisc show dev vb
	filters ingress
	filters egress
	xdp
	find /sys/fs/bpf -mindepth 1
}

attached() { [ "$(attachments)" = "$1" ]; }

# Built into the shell: a program that is started costs 30 ms under emulation, which weir lacks then.
ended()
{
	state=Z
	read -r _ _ state _ <"/proc/$WEIR_PID/stat"
	[ "$state" = Z ]
} 2>/dev/null

# The output is opened when all is attached; what is attached takes longer to tell.
opened_or_ended() { [ -e "$DIR/flows.csv" ] || ended; }

attached_or_ended() { attached "$1" || ended; }

# start_weir HOOK [ARGUMENT...]: 0 once it is attached; tells a failure itself.
start_weir()
{
	hook=$1
	shift
	rm -f "$DIR/flows.csv" "$DIR/summary.json"
	# ip becomes weir, so this is weir's pid
	ip netns exec "$B" weir -i vb --hook "$hook" --fields "$FIELDS" -o "csv:$DIR/flows.csv" \
		--summary "$DIR/summary.json" "$@" 2>"$DIR/stderr" &
	WEIR_PID=$!
	await opened_or_ended
	if await attached_or_ended "$(attachments_of "$hook")" && ! ended; then
		return
	fi
	found=$(attachments)
	end_weir KILL
	not_ok "weir --hook $hook attaches" "attached: $found
expected: $(attachments_of "$hook")
exit code: $code
$(cat "$DIR/stderr")"
	return 1
}

# end_weir SIGNAL: prints and returns nothing; the exit code is in $code.
end_weir()
{
	kill "-$1" "$WEIR_PID" 2>/dev/null
	await ended || kill -KILL "$WEIR_PID"
	wait "$WEIR_PID"
	code=$?
	WEIR_PID=
}

# summary NAME: a number of the summary; a reason has its group before it, as lost.no_memory.
summary()
{
	sed -n "s/.*\"${1#*.}\":\([0-9]*\).*/\1/p" "$DIR/summary.json"
}

# The sum of a group of reasons.
summary_group()
{
	sed -n "s/.*\"$1\":{\([^}]*\)}.*/\1/p" "$DIR/summary.json" | tr ',' '\n' |
		awk -F: '{ sum += $2 } END { print sum + 0 }'
}

# Packets and bytes of all records.
records() { awk -F, 'NR > 1 { p += $9; b += $10 } END { printf "%d %d\n", p, b }' "$DIR/flows.csv"; }

# check_run NAME PACKETS BYTES: weir ended well, and counted just these, all of them into flows.
check_run()
{
	is "$1: exit code" "$code" 0
	[ "$code" = 0 ] || sed 's/^/# /' "$DIR/stderr"
	is "$1: seen, metered, lost are the interface's packets" \
		"$(summary seen) $(summary metered) $(summary_group lost)" "$2 $2 0"
	is "$1: packets and bytes of the records are the interface's" "$(records)" "$2 $3"
	is "$1: bytes of the summary" "$(summary bytes)" "$3"
}

# With a native XDP program, veth counts what it receives after it took the Ethernet header off.
uncounted() { [ "$hook" = xdp ] && echo 14 || echo 0; }

# measured COMMAND...: runs it between two looks at the counters: $packets and $bytes are what went
# through vb, both directions together. Output in $DIR/output.
measured()
{
	before=$(counters)
	"$@" >"$DIR/output" 2>&1
	settle
	# shellcheck disable=SC2046,SC2086 # lists of numbers
	set -- $before $(counters)
	packets=$(($5 - $1 + $6 - $2))
	bytes=$(($7 - $3 + $8 - $4 + $(uncounted) * ($5 - $1)))
}

# Whatever was left on vb, the next test begins without.
wipe() { in_b tc qdisc del dev vb clsact 2>/dev/null; }

clean_up()
{
	[ -z "$WEIR_PID" ] || kill -KILL "$WEIR_PID"
	drop_network
	rm -rf "$DIR"
}

# A fresh network and directory, gone when the test ends.
set_up()
{
	DIR=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 1' INT TERM
	make_network || { not_ok "network" "no namespaces or no veth pair"; finish; }
	is "no offload is on" "$(offloads)" ""
}
