// SPDX-License-Identifier: BSD-2-Clause
/* What flood asks about the interface it sends on. */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"
#include "flood_device.h"

static int own_address(struct flood *flood)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, flood->dev, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		err = -errno;
	memcpy(flood->src_mac, request.ifr_hwaddr.sa_data, sizeof(flood->src_mac));
	close(fd);
	return err;
}

int flood_device_open(struct flood *flood)
{
	int err;

	flood->ifindex = if_nametoindex(flood->dev);
	if (!flood->ifindex)
		return flood_error(-errno, "--dev %s", flood->dev);
	err = own_address(flood);
	return err ? flood_error(err, "the address of %s", flood->dev) : 0;
}

uint32_t flood_device_dropped(const struct flood *flood)
{
	struct ifaddrs *all, *one;
	uint32_t dropped = 0;

	if (getifaddrs(&all))
		return 0;
	for (one = all; one; one = one->ifa_next)
		if (one->ifa_addr && one->ifa_addr->sa_family == AF_PACKET && one->ifa_data &&
		    !strcmp(one->ifa_name, flood->dev))
			dropped = ((const struct rtnl_link_stats *)one->ifa_data)->tx_dropped;
	freeifaddrs(all);
	return dropped;
}
