#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The command line as a user meets it: subcommands, help, and what bad usage gets: one line on
# stderr, nothing on stdout, exit 2. Nothing here meters a packet. WEIR names the program.

setup() {
	WEIR=${WEIR:-$BATS_TEST_DIRNAME/../build/weir}
	DIR=$BATS_TEST_TMPDIR
	for name in $(compgen -e WEIR_); do
		unset "$name"
	done
}

# refused MESSAGE ARGUMENT...: usage error with exactly this line.
refused() {
	local message=$1 status=0
	shift
	"$WEIR" "$@" >"$DIR/out" 2>"$DIR/err" || status=$?
	if [ "$status" != 2 ] || [ -s "$DIR/out" ] || [ "$(cat "$DIR/err")" != "weir: $message" ]; then
		echo "weir $*: exit $status, expected: weir: $message"
		cat "$DIR/err"
		return 1
	fi
}

# printed TEXT ARGUMENT...: exit 0, TEXT on stdout, nothing on stderr.
printed() {
	local text=$1
	shift
	"$WEIR" "$@" >"$DIR/out" 2>"$DIR/err"
	[ ! -s "$DIR/err" ]
	grep -qF -- "$text" "$DIR/out"
}

@test "help fits a screen and leads on" {
	printed "weir --help-all" --help
	[ "$(wc -l <"$DIR/out")" -le 24 ]
	[ "$(expand "$DIR/out" | wc -L)" -le 80 ]
	cp "$DIR/out" "$DIR/help"
	printed "weir --help-all" -h
	cmp "$DIR/out" "$DIR/help"
	printed "weir --help-all" help
	cmp "$DIR/out" "$DIR/help"
}

@test "help-all tells more and stays within 80 columns" {
	printed "--anonymize-prefix" --help-all
	[ "$(wc -l <"$DIR/out")" -gt 24 ]
	[ "$(expand "$DIR/out" | wc -L)" -le 80 ]
}

@test "version names program, libraries and compiler" {
	printed "weir " version
	for word in libpcap nDPI libyaml compiler: features:; do
		grep -q "$word" "$DIR/out"
	done
	cp "$DIR/out" "$DIR/version"
	printed "weir " --version
	cmp "$DIR/out" "$DIR/version"
	printed "weir " -V
}

@test "fields lists columns under a line of names" {
	printed "src2dst_packets" fields
	head -n 1 "$DIR/out" | grep -q "^NAME .*TYPE .*UNIT .*IPFIX .*MEANING"
}

@test "help wins over bad values and missing files" {
	printed "Usage: weir" -c "$DIR/none.yaml" --splt many --help
}

@test "subcommands take no arguments and are known only first" {
	refused 'fields: takes no arguments, "x" is one; see weir --help' fields x
	refused 'version: takes no arguments, "-q" is one; see weir --help' version -q
	refused 'nothing to read: give -r FILE or -i NAME; see weir --help' -q fields
}

@test "status and detach take options and nothing else" {
	refused 'status: takes only options, "x" is none; see weir --help-all' status -i lo x
	refused 'detach: takes only options, "x" is none; see weir --help-all' detach x
	refused '--pin: has no value; give DIR' detach --pin
	refused '--hook: unknown value "x"; give one of auto, tc, xdp, xdp-generic, pcap' status --hook x
	printed "weir status | detach" status --help
}

@test "status and detach of what is not there fail" {
	for command in status detach; do
		run "$WEIR" "$command" -i no-such-thing
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
	done
	run "$WEIR" detach --pin "$DIR/none"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "nothing to read" {
	refused 'nothing to read: give -r FILE or -i NAME; see weir --help' tcp port 80
	refused 'nothing to read: give -r FILE or -i NAME; see weir --help' -q
	run "$WEIR"
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = 'weir: nothing to read: give -r FILE or -i NAME; see weir --help' ]
}

@test "unknown options name the nearest one" {
	refused '--idle-timout: unknown option; did you mean --idle-timeout?' --idle-timout 5
	refused '--summry: unknown option; did you mean --summary?' --summry=x
	refused '-Z: unknown option; see weir --help' -Z
	refused '--anon: could be --anonymize or --anonymize-key; give the whole name' --anon x
}

@test "values that are missing or not wanted" {
	refused '--read: has no value; give FILE' -q -r
	refused '--splt: has no value; give N' --splt
	refused '--fields: is empty; give A,B,C' --fields ''
	refused '--help: takes no value; leave it out' --help=me
	refused '--stats: "maybe" is neither true nor false; give one of them' --stats=maybe
}

@test "numbers out of range: name, value, range" {
	refused '--splt: 70000 is out of range: 0 to 65535' -r f --splt 70000
	refused '--splt: -1 is out of range: 0 to 65535' -r f --splt -1
	refused '--max-tcp-dissections: 256 is out of range: 0 to 255' --max-tcp-dissections 256
	refused '--idle-timeout: 1000000001 is out of range: 0 to 1000000000 seconds' \
		--idle-timeout 1000000001
	refused '--rotate: 0s is out of range: more than 0, up to 1000000000s or 1000TB' --rotate 0s
}

@test "values of the wrong form" {
	refused '--splt: "x" is not a whole number; give 0 to 65535' --splt x
	refused '--active-timeout: "5x" is not a time; give seconds, or a unit as in 500ms, 5m, 1h' \
		--active-timeout 5x
	refused '--rotate: "100M" is neither a time nor a size; give one as 60s, 5m or 100MB' \
		--rotate 100M
	refused '--accounting: unknown value "l2"; give one of link, ip, transport, payload' \
		--accounting l2
	refused '--profile: unknown value "some"; give one of seed, nfstream, all' --profile some
	refused '--tunnels: unknown value "gtp,none"; give all, none or a list of gtp, tzsp, capwap, ipip, gre, vxlan, geneve' \
		--tunnels gtp,none
}

@test "one filter, in one place" {
	refused '--filter: the word "udp" is a filter too; give one filter, quoted as a whole' \
		-r f --filter tcp udp
}

@test "the file tells its lines" {
	printf 'stats: true\nfoo: 1\n' >"$DIR/a.yaml"
	refused "$DIR/a.yaml:2: unknown key \"foo\": see weir --help-all" -c "$DIR/a.yaml"
	printf '# one\n\nsplt: 70000\n' >"$DIR/a.yaml"
	refused "$DIR/a.yaml:3: splt: 70000 is out of range: 0 to 65535" -c "$DIR/a.yaml"
	printf 'splt: 1\nsplt: 1\n' >"$DIR/a.yaml"
	refused "$DIR/a.yaml:2: splt: is given twice; give it once" -c "$DIR/a.yaml"
	refused "$DIR/none.yaml: No such file or directory; give a readable YAML file" \
		-c "$DIR/none.yaml"
	refused "$DIR: Is a directory; give a readable YAML file" -c "$DIR"
}

@test "variables are named" {
	WEIR_SPLT=70000 refused 'WEIR_SPLT: 70000 is out of range: 0 to 65535'
	WEIR_QUIET=perhaps refused 'WEIR_QUIET: "perhaps" is neither true nor false; give one of them'
	WEIR_CONFIG=$DIR/none.yaml refused \
		"$DIR/none.yaml: No such file or directory; give a readable YAML file"
}

@test "a stdout that cannot be written fails the run" {
	[ -w /dev/full ] || skip "no /dev/full here"
	local status=0
	"$WEIR" fields >/dev/full 2>"$DIR/err" || status=$?
	[ "$status" -eq 1 ]
	[ "$(cat "$DIR/err")" = "weir: stdout: No space left on device; choose a place that can be written" ]
}

@test "a closed pipe is no failure and no message" {
	set -o pipefail
	"$WEIR" fields 2>"$DIR/err" | head -n 1 | grep -q "^NAME"
	[ ! -s "$DIR/err" ]
}

@test "no words at all: a hint and the usage" {
	run "$WEIR"
	[ "$status" -eq 2 ]
	[ "${lines[1]}" = "Usage: weir [OPTION]... [FILTER EXPRESSION]" ]
	[ "${#lines[@]}" -eq 4 ]
}

@test "misspelled variables are refused, those of others are not" {
	WEIR_IDLE_TIMOUT=5 refused \
		'WEIR_IDLE_TIMOUT: unknown variable; did you mean WEIR_IDLE_TIMEOUT?'
	WEIR_SERVICE_HOST=x WEIR_PORT=tcp://x printed "Usage: weir" help
	WEIR_SERVICE_HOST=x refused 'nothing to read: give -r FILE or -i NAME; see weir --help' -q
}

@test "a key hides nothing by itself" {
	refused '--anonymize-key: hides nothing by itself; add --anonymize COLUMNS or --anonymize-prefix' \
		-r f --anonymize-key k
}
