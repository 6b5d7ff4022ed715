# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Records what the running kernel cannot: the same script in a user-mode Linux guest, which is one
# process, sees this machine's files read-only through hostfs and writes only the output directory.

GUEST_MODULES=/usr/lib/uml/modules

# First process of the guest. It inherits no environment. All of its file system is read-only, but
# for a tmpfs of its own and the output directory, each at the path it has outside.
guest_init()
{
	local own=$WORK/guest
	mkdir -p "$own"
	cat <<-EOF
	#!/bin/bash
	mount -t proc proc /proc && mount -t sysfs sysfs /sys && ln -s /proc/self/fd /dev/fd
	mount -t tmpfs tmpfs '$own' && mount -t hostfs -o '$OUT' hostfs '$OUT'
	export PATH='$own:$PATH' TMPDIR='$own'
	mkdir '$own/lib' && ln -s $GUEST_MODULES '$own/lib/modules'
	printf '#!/bin/sh\nexec $(command -v modprobe) -d $own "\$@"\n' >'$own/modprobe'
	chmod +x '$own/modprobe' && echo '$own/modprobe' >/proc/sys/kernel/modprobe
	modprobe ipv6
	echo 'guest up'
	'$SELF' --out '$OUT' --guest none $* && echo 'guest done'
	echo o >/proc/sysrq-trigger
	sleep 10
	EOF
}

record_in_guest()
{
	[ "$GUEST" != none ] || { echo "the guest's kernel lacks: $*" >&2; return 1; }
	command -v "$GUEST" modprobe >/dev/null || {
		echo "this kernel lacks what $* need; install a guest: ${APT[*]} user-mode-linux kmod" >&2
		return 1
	}
	guest_init "$@" >"$WORK/init" && chmod 755 "$WORK/init"
	TMPDIR=$WORK timeout 300 "$GUEST" mem=256M rootfstype=hostfs rootflags=/ ro root=/dev/root \
		"uml_dir=$WORK/uml" "init=$WORK/init" con=null con0=fd:0,fd:1 quiet </dev/null 2>&1 |
		tee "$WORK/guest.log" | sed -n '/^guest up/,/^guest done/p' | grep -v '^guest '
	grep -q '^guest done' "$WORK/guest.log" || { tail -n 20 "$WORK/guest.log" >&2; return 1; }
}
