# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# TAP for the guest tests.

tap_count=0 tap_failed=0

ok()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# not_ok NAME WHY: the lines of WHY become comments.
not_ok()
{
	tap_count=$((tap_count + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	[ -z "$2" ] || echo "$2" | sed 's/^/# /'
}

# is NAME GOT EXPECTED
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got:
$2
expected:
$3"
	fi
}

# skip NAME WHY
skip()
{
	ok "$1 # SKIP $2"
}

finish()
{
	echo "1..$tap_count"
	[ "$tap_failed" = 0 ] && [ "$tap_count" -gt 0 ]
	exit
}
