/* SPDX-License-Identifier: BSD-2-Clause */
#include "tc_filters.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

struct dump_request {
	struct nlmsghdr head;
	struct tcmsg body;
};

/* Reads one dump: 1 it had a filter, 0 it had none, -1 it failed. */
static int read_dump(int fd)
{
	_Alignas(struct nlmsghdr) char buffer[16384];
	bool found = false;

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;

		if (n <= 0)
			return -1;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return found;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -1;
			found = true;
		}
	}
}

static int has_filter(int fd, unsigned int interface, unsigned int minor)
{
	struct dump_request request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = RTM_GETTFILTER,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .tcm_family = AF_UNSPEC,
			  .tcm_ifindex = interface,
			  .tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor) },
	};

	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		return -1;
	return read_dump(fd);
}

bool tc_filters_exist(unsigned int interface)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int in, out;

	if (fd < 0)
		return true;
	in = has_filter(fd, interface, TC_H_MIN_INGRESS);
	out = has_filter(fd, interface, TC_H_MIN_EGRESS);
	close(fd);
	return in || out;
}
