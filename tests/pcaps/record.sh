#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Records real clients and servers into small captures, one a scenario.
#
# Every scenario gets two fresh network namespaces joined by a veth pair. The whole run lives in a
# PID and a mount namespace of its own, so however it ends, no process, namespace or mount is left.
# A scenario whose protocol the running kernel lacks (SCTP, VLAN, GRE, ...) is recorded by this
# same script inside a user-mode Linux guest.
#
# A scenario is one row of SCENARIOS; its words name functions:
#   network -> net_*   (recorder/network.sh)   the devices and addresses
#   servers -> serve_* (recorder/traffic.sh)   what runs before the capture starts
#   clients -> use_*   (recorder/traffic.sh)   what is captured

set -u -o pipefail
shopt -s inherit_errexit

SELF=$(readlink -f "${BASH_SOURCE[0]}")
HERE=${SELF%/*}
source "$HERE/recorder/packages.sh"
source "$HERE/recorder/network.sh"
source "$HERE/recorder/traffic.sh"
source "$HERE/recorder/guest.sh"

DEMO='dns_udp ping4 http1 tls13 ssh mqtt redis ping6 http1_v6'

# name | network | servers | clients | what the capture holds
SCENARIOS=(
	'http1|plain|web|http1|HTTP/1.1: three requests on one connection, a 404, a refused POST'
	'http2|plain|web|h2c h2|HTTP/2: clear text with prior knowledge, then TLS with ALPN h2'
	'tls12|plain|web|tls12|TLS 1.2 with SNI www.example.org, certificate in clear'
	'tls13|plain|web|tls13|TLS 1.3 with SNI www.example.org'
	'ssh|plain|ssh|ssh|OpenSSH: key exchange, public key login, one command'
	'dns-udp|plain|dns|dns_udp|DNS over UDP: A, AAAA, MX, CNAME, TXT, NXDOMAIN'
	'dns-tcp|plain|dns|dns_tcp|DNS over TCP: asked for, and after a truncated UDP answer'
	'mqtt|plain|mqtt|mqtt|MQTT: one subscriber, publishers with QoS 0, 1 and 2'
	'redis|plain|redis|redis|Redis: single commands and a pipeline'
	'postgres|plain|postgres|postgres|PostgreSQL: SCRAM login, DDL, insert, select, one error'
	'ntp|plain|ntp|ntp|NTP: one client, three exchanges'
	'dhcp|unnumbered|dhcp|dhcp|DHCP: discover, offer, request, ack, then ARP, ping and release'
	'icmp|plain||ping4 closed_port|ICMP: echo of 64 and 1400 bytes, port unreachable'
	'ipv6|plain|web|ping6 http1_v6|IPv6: neighbour discovery, echo, HTTP/1.1'
	'sctp|sctp|sctp|sctp|SCTP: two associations, INIT to SHUTDOWN, echoed data'
	'fragments4|plain|echo|datagrams4|UDP datagrams of 8,000 and 3,000 bytes as IPv4 fragments'
	'fragments6|plain|echo|datagrams6|UDP datagrams of 8,000 and 3,000 bytes as IPv6 fragments'
	'vlan|vlan|web|ping4 http1|802.1Q VLAN 100: ICMP and HTTP'
	'qinq|qinq|web|ping4 http1|802.1ad VLAN 200 around 802.1Q VLAN 300: ICMP and HTTP'
	'gre|gre|web|ping4 ping6 http1|GRE without key: IPv4 and IPv6 inside'
	'gretap|gretap|web|ping4 http1|GRE with key 42: transparent Ethernet bridging'
	'vxlan|vxlan|web|ping4 http1 http1_v6|VXLAN, VNI 42: IPv4 and IPv6 inside'
	'geneve|geneve|web|ping4 http1 http1_v6|Geneve, VNI 42: IPv4 and IPv6 inside'
	'ipip|ipip|web|ping4 http1|IPv4 in IPv4'
	'sit|sit|web|ping6 http1_v6|IPv6 in IPv4 (6in4)'
	'ip6tnl|ip6tnl|web|ping4 ping6 http1 http1_v6|IPv4 and IPv6 in IPv6'
	'mpls|mpls|web|ping4 http1|MPLS, two labels towards the server, none back'
	'esp|esp|web|ping4 http1|ESP in transport mode around ICMP and HTTP'
	"demo|plain|web dns ssh mqtt redis|$DEMO|A mix to show: HTTP, TLS 1.3, SSH, DNS, MQTT, Redis, ICMP, IPv6"
)

usage()
{
	cat <<-EOF
	usage: record.sh [--out DIR] [--no-guest] [--install] [SCENARIO...]
	       record.sh --list | --table
	  --out DIR   where captures go (default: recorded/ beside this script)
	  --no-guest  do not start user-mode Linux for what this kernel lacks
	  --install   first install the Debian packages that are missing (apt-get)
	  --list      print the scenarios
	  --table     print the table of the README
	EOF
}

die()
{
	echo "record.sh: $*" >&2
	exit 1
}

parse_options()
{
	OUT=$HERE/recorded GUEST=linux.uml INSTALL='' WANTED=()
	while [ $# -gt 0 ]; do
		case $1 in
		--out) OUT=${2:?--out needs a directory}; shift ;;
		--no-guest) GUEST='' ;;
		--install) INSTALL=yes ;;
		--list) list_scenarios; exit 0 ;;
		--table) print_table; exit 0 ;;
		-h|--help) usage; exit 0 ;;
		-*) usage >&2; exit 2 ;;
		*) find_scenario "$1" >/dev/null || exit 2; WANTED+=("$1") ;;
		esac
		shift
	done
	[ ${#WANTED[@]} -gt 0 ] || mapfile -t WANTED < <(list_scenarios | cut -f1)
}

list_scenarios()
{
	local row name about
	for row in "${SCENARIOS[@]}"; do
		IFS='|' read -r name _ _ _ about <<<"$row"
		printf '%s\t%s\n' "$name" "$about"
	done
}

print_table()
{
	local name about
	printf '| file | packets | what it holds |\n|---|---|---|\n'
	list_scenarios | while IFS=$'\t' read -r name about; do
		printf '| %s.pcap | %s | %s |\n' "$name" \
			"$(tcpdump --count -r "$OUT/$name.pcap" 2>/dev/null | cut -d' ' -f1)" \
			"$about"
	done
}

find_scenario()
{
	local row
	for row in "${SCENARIOS[@]}"; do
		[ "${row%%|*}" = "$1" ] && echo "$row" && return
	done
	die "$1: no such scenario; --list prints them"
}

# Leave if anything is missing, so that a run is whole or does not start.
require_tools()
{
	local name network servers clients packages=()
	for name in "${WANTED[@]}"; do
		IFS='|' read -r _ network servers clients _ <<<"$(find_scenario "$name")"
		# shellcheck disable=SC2086,SC2207 # lists of words
		packages+=($(missing_packages $network $servers $clients))
	done
	if [ "$INSTALL" ] && [ "$GUEST" ] && ! guest_present; then
		packages+=("${GUEST_PACKAGES[@]}")
	fi
	[ ${#packages[@]} -gt 0 ] || return 0
	mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
	[ "$INSTALL" ] || die "missing programs; install them: ${APT[*]} ${packages[*]}"
	"${APT[@]}" "${packages[@]}" || die "apt-get failed; see above"
}

# Run all of it in a new PID namespace: when its first process ends, the kernel ends the others; and
# in a new mount namespace: /run is its own, and with it the names of the network namespaces.
isolate()
{
	[ "$(id -u)" = 0 ] || die "network namespaces need root; run it with sudo"
	WORK=$(mktemp -d) || die "cannot make a work directory"
	trap 'exit 130' INT TERM
	trap 'kill -KILL "$INNER" 2>/dev/null; wait; rm -rf "$WORK"' EXIT
	RECORD_WORK=$WORK RECORD_GUEST=$GUEST setpriv --pdeathsig KILL \
		unshare --mount --pid --fork --kill-child --mount-proc \
		"$SELF" --out "$OUT" "${WANTED[@]}" &
	INNER=$!
	wait "$INNER"
}

prepare()
{
	WORK=$RECORD_WORK GUEST=$RECORD_GUEST
	mount -t tmpfs tmpfs /run || die "cannot mount a private /run; CAP_SYS_ADMIN is needed"
	mkdir -p /run/netns /run/sshd "$OUT" && chmod 755 "$WORK" || exit 1
	OUT=$(readlink -f "$OUT")
	unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
	export LC_ALL=C TZ=UTC HOME=$WORK
}

# 0 recorded, 1 failed, 2 the kernel lacks the network.
record()
{
	local name network servers clients word
	IFS='|' read -r name network servers clients _ <<<"$(find_scenario "$1")"
	PLACE=$WORK/$name && mkdir "$PLACE" && chmod 755 "$PLACE" || return 1
	make_network || return 1
	"net_$network" >"$PLACE/network.log" 2>&1 || return 2
	settle_network
	for word in $servers; do
		"serve_$word" || return 1
	done
	start_capture "$PLACE/out.pcap" || return 1
	for word in $clients; do
		"use_$word" >>"$PLACE/clients.log" 2>&1 || { echo "$word failed" >&2; return 1; }
	done
	stop_capture && mv "$PLACE/out.pcap" "$OUT/$name.pcap"
}

show_logs()
{
	tail -n 20 "$PLACE"/*.log >&2
}

record_all()
{
	local name status failed=() lacking=()
	for name in "${WANTED[@]}"; do
		record "$name"
		status=$?
		stop_all
		drop_network
		case $status in
		0) echo "$name: $(stat -c %s "$OUT/$name.pcap") bytes" ;;
		2) lacking+=("$name") ;;
		*) failed+=("$name"); show_logs ;;
		esac
	done
	[ ${#lacking[@]} = 0 ] || record_in_guest "${lacking[@]}" || failed+=("${lacking[@]}")
	[ ${#failed[@]} = 0 ] || die "not recorded: ${failed[*]}; the reason stands above"
}

parse_options "$@"
if [ "${RECORD_WORK:-}" ]; then
	prepare
	record_all
else
	require_tools
	isolate
fi
