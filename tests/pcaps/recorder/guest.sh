# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Records what the running kernel cannot: the same script in a user-mode Linux guest, which is one
# process, sees this machine's files read-only through hostfs and writes only the output directory.

GUEST_MODULES=/usr/lib/uml/modules
GUEST_PACKAGES=(user-mode-linux kmod)

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
	'$SELF' --out '$OUT' --no-guest $* && echo 'guest done'
	echo o >/proc/sysrq-trigger
	sleep 10
	EOF
}

guest_present() { command -v "$GUEST" modprobe >/dev/null; }

record_in_guest()
{
	[ "$GUEST" ] || { echo "the kernel lacks what these need: $*" >&2; return 1; }
	guest_present || {
		echo "the kernel lacks what these need: $*;" \
			"install a guest that has it: ${APT[*]} ${GUEST_PACKAGES[*]}" >&2
		return 1
	}
	guest_init "$@" >"$WORK/init" && chmod 755 "$WORK/init"
	TMPDIR=$WORK timeout 300 "$GUEST" mem=256M root=/dev/root rootfstype=hostfs rootflags=/ ro \
		"uml_dir=$WORK/uml" "init=$WORK/init" con=null con0=fd:0,fd:1 quiet \
		</dev/null 2>&1 |
		tee "$WORK/guest.log" | sed -n '/^guest up/,/^guest done/p' | grep -v '^guest '
	grep -q '^guest done' "$WORK/guest.log" || { tail -n 20 "$WORK/guest.log" >&2; return 1; }
}
