/* SPDX-License-Identifier: BSD-2-Clause */
#include "interface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

static int any_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

bool interface_is_loopback(const char *name)
{
	struct ifreq request = { 0 };
	int fd = any_socket();
	bool loopback;

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	loopback = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_LOOPBACK;
	if (fd >= 0)
		close(fd);
	return loopback;
}

bool interface_link_address(const char *name, uint8_t mac[6])
{
	struct ifreq request = { 0 };
	int fd = any_socket();
	bool found;

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	found = ioctl(fd, SIOCGIFHWADDR, &request) == 0 &&
		request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	if (fd >= 0)
		close(fd);
	return found;
}

static bool ethtool_is_on(int fd, const char *name, uint32_t command)
{
	struct ethtool_value value = { .cmd = command };
	struct ifreq request = { .ifr_data = (char *)&value };

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && value.data;
}

void interface_warn_of_offloads(const char *name)
{
	int fd = any_socket();

	if (ethtool_is_on(fd, name, ETHTOOL_GGRO) || ethtool_is_on(fd, name, ETHTOOL_GTSO))
		log_warning(
			"%s: offloads join packets before they are captured, so fewer and larger "
			"ones are counted; for wire counts: ethtool -K %s gro off gso off tso off",
			name, name);
	if (fd >= 0)
		close(fd);
}
