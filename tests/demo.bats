#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What a newcomer is shown first works, and leaves nothing behind. WEIR names the program.

setup() {
	WEIR=${WEIR:-$BATS_TEST_DIRNAME/../build/weir}
	DEMO=$BATS_TEST_DIRNAME/../tools/demo
}

# named NAME PORT PROTOCOL: one flow to that port of the live part, with this application.
named() {
	[ "$(sed -n '/^weir -i/,$p' "$BATS_TEST_TMPDIR/out" |
		awk -v n="$1" -v p="$2" -v t="$3" '$4 == p && $5 == t && $8 == n' | wc -l)" -eq 1 ]
}

@test "demo names the applications of a capture and of a live wire" {
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	"$DEMO" "$WEIR" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	local demo=$!
	wait "$demo"
	grep -q '^192.0.2.1 .* SSH ' "$BATS_TEST_TMPDIR/out"
	if grep -q 'left out' "$BATS_TEST_TMPDIR/out"; then
		skip "no network namespaces here"
	fi
	named DNS.Wikipedia 53 17
	named HTTP 80 6
	named TLS.Wikipedia 443 6
	[ -z "$(ip netns list | grep -E "weir-(client|server)$demo\b")" ]
}

@test "demo without root says what it leaves out" {
	command -v setpriv >/dev/null || skip "no setpriv here"
	[ "$(id -u)" -eq 0 ] || skip "needs root to give it up"
	setpriv --reuid 65534 --clear-groups test -x "$WEIR" || skip "not readable without root"
	run setpriv --reuid 65534 --clear-groups "$DEMO" "$WEIR"
	[ "$status" -eq 0 ]
	[[ $output == *"left out, since network namespaces need root."* ]]
}
