#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Completion as shells have it: each loads its script, offers what the option table says, and
# complains of nothing.

setup() {
	WEIR=${WEIR:-$BATS_TEST_DIRNAME/../build/weir}
	DIR=$BATS_TEST_TMPDIR
	PATH=$(dirname "$WEIR"):$PATH
	cd "$DIR"
	touch 'a capture.pcap' other.txt
	mkdir dir
}

# in_bash EXPECTED WORD...: what completing the last word offers, by lines.
in_bash() {
	local expected=$1 script
	shift
	script='. <(weir completions bash); compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_weir; [ ${#COMPREPLY[@]} = 0 ] || printf "%s\n" "${COMPREPLY[@]}"'
	diff <(printf "%b" "$expected") <(bash --norc -euc "$script" bash "$@" 2>&1)
}

@test "bash: commands, options, values" {
	in_bash "fields\n" weir fi
	in_bash "status\n" weir st
	in_bash "--max-flows\n--max-tcp-dissections\n--max-udp-dissections\n" weir -q --max-
	in_bash "tc\n" weir --hook t
	in_bash "xdp\nxdp-generic\n" weir --hook = x
	in_bash "" weir --idle-timeout ""
	in_bash "gtp,vxlan\n" weir --tunnels gtp,v
	in_bash "src_ip,dst_ip\nsrc_ip,dst_initial_window\n" weir --fields src_ip,dst_i
	in_bash "lo\n" weir -i lo
}

@test "bash: files, also behind a format" {
	in_bash "a capture.pcap\n" weir -r a
	in_bash "dir\n" weir --pin ""
	in_bash "csv:\n" weir -o c
	in_bash "other.txt\n" weir -o csv : oth
}

@test "bash: every option is offered" {
	weir --help-all | grep -o -- ' --[a-z0-9-]*' | tr -d ' ' | grep -v '^--stats=' | sort -u >all
	script='. <(weir completions bash); COMP_WORDS=(weir --); COMP_CWORD=1; _weir; printf "%s\n" "${COMPREPLY[@]}"'
	bash --norc -euc "$script" | sort -u >offered
	diff all offered
}

@test "zsh: the script is valid and offers values" {
	weir completions zsh >_weir
	zsh -n _weir
	[ "$(grep -c "'\*\?--" _weir)" = "$(weir completions fish | grep -c ' -l ')" ]
	# _arguments itself reads every row, when somebody asks for an option's value
	cat >drive <<-'END'
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PROMPT=; unsetopt zle_bracketed_paste; fpath=($PWD \$fpath); autoload -Uz compinit; compinit -u -D; print begun"
		zpty -r shell said '*begun*begun*'
		zpty -w -n shell $'weir --accounting tra\t --hook xdp-\t --no-dis\t -o netf\t; print en""ded\n'
		zpty -r shell said '*ended*'
		print -r -- "$said"
	END
	timeout -k 1 20 zsh -f drive >said
	for words in '--accounting transport' '--hook xdp-generic' ' --no-dissect' '-o netflow9:'; do
		grep -q -- "$words" said
	done
}

@test "fish: the script is valid and offers values" {
	weir completions fish >weir.fish
	fish -n weir.fish
	fish() { HOME=$DIR command fish --no-config -c "source weir.fish; complete -C '$1'" | cut -f1; }
	[ "$(fish 'weir --hook xd' | tr '\n' ' ')" = "xdp xdp-generic " ]
	[ "$(fish 'weir stat')" = status ]
	[ "$(fish 'weir --tunnels gtp,vx')" = gtp,vxlan ]
	[ "$(fish 'weir --max-f')" = --max-flows ]
	fish 'weir --fields src_i' | grep -qx src_ip
}

@test "another shell is refused" {
	run weir completions tcsh
	[ "$status" = 2 ]
	[ "$output" = 'weir: completions: "tcsh" is no shell that is known; give bash, zsh or fish' ]
}
