# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Which programs the words of a scenario need, and which Debian package has each.

APT=(apt-get install -y --no-install-recommends)

# Needed whatever is recorded.
BASE_PROGRAMS=(unshare setpriv ip ss ethtool sysctl tcpdump timeout)

declare -A PROGRAMS=(
	[web]='nginx openssl curl'
	[ssh]='sshd ssh ssh-keygen'
	[dns]='dnsmasq dig'
	[mqtt]='mosquitto mosquitto_pub mosquitto_sub'
	[redis]='redis-server redis-cli'
	[postgres]='postgres psql'
	[ntp]='chronyd'
	[dhcp]='dnsmasq busybox ping'
	[sctp]='socat'
	[echo]='socat'
	[ping4]='ping'
	[ping6]='ping'
)

declare -A PACKAGES=(
	[unshare]=util-linux [setpriv]=util-linux [ip]=iproute2 [ss]=iproute2 [ethtool]=ethtool
	[sysctl]=procps [tcpdump]=tcpdump [timeout]=coreutils [nginx]=nginx-light
	[openssl]=openssl [curl]=curl
	[sshd]=openssh-server [ssh]=openssh-client [ssh-keygen]=openssh-client
	[dnsmasq]=dnsmasq-base [dig]=bind9-dnsutils [mosquitto]=mosquitto
	[mosquitto_pub]=mosquitto-clients [mosquitto_sub]=mosquitto-clients
	[redis-server]=redis-server [redis-cli]=redis-tools [postgres]=postgresql
	[psql]=postgresql-client [chronyd]=chrony [busybox]=busybox [ping]=iputils-ping
	[socat]=socat
)

# Daemons live in sbin, PostgreSQL's in a directory of their version.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
for directory in /usr/lib/postgresql/*/bin; do
	PATH=$PATH:$directory
done

# Print the package of every program that WORDS need and that is not here.
missing_packages()
{
	local word program
	for word in "$@"; do
		for program in "${BASE_PROGRAMS[@]}" ${PROGRAMS[$word]:-}; do
			command -v "$program" >/dev/null || echo "${PACKAGES[$program]}"
		done
	done
}
