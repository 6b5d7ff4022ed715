/* SPDX-License-Identifier: BSD-2-Clause */
#include "links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Room for what a burst of interfaces brings until it is read, bytes. */
#define EVENT_ROOM (1 << 20)

/* A list that changes under the reader is asked for again. */
#define LIST_TRIES 8

/* Messages between which other things have their turn. */
#define READS 64
/* More than wait where some were lost. */
#define LOST_READS 16384

/* A dump's parts, and no message is longer. */
#define MESSAGE_ROOM 32768

struct links {
	struct mnl_socket *events;
};

static struct mnl_socket *open_socket(unsigned int groups, int flags)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);

	if (s && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		int err = errno;

		mnl_socket_close(s);
		errno = err;
		return NULL;
	}
	return s;
}

int links_open(struct links **out, bool everywhere)
{
	struct links *l = calloc(1, sizeof(*l));
	int room = EVENT_ROOM, err = -ENOMEM;

	*out = NULL;
	if (!l)
		return err;
	l->events = open_socket(RTMGRP_LINK, SOCK_NONBLOCK);
	if (!l->events) {
		err = -errno;
		links_close(l);
		return err;
	}
	if (everywhere && setsockopt(links_fd(l), SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &(int){ 1 },
				     sizeof(int))) {
		err = -errno;
		links_close(l);
		return err;
	}
	/* More than net.core.rmem_max takes CAP_NET_ADMIN; without it events are lost sooner. */
	if (setsockopt(links_fd(l), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(links_fd(l), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	*out = l;
	return 0;
}

void links_close(struct links *l)
{
	if (!l)
		return;
	if (l->events)
		mnl_socket_close(l->events);
	free(l);
}

int links_fd(const struct links *l)
{
	return mnl_socket_get_fd(l->events);
}

static uint16_t vlan_of(const struct nlattr *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data)
		if (mnl_attr_get_type(attribute) == IFLA_VLAN_ID &&
		    mnl_attr_validate(attribute, MNL_TYPE_U16) >= 0)
			return mnl_attr_get_u16(attribute);
	return 0;
}

/* The kind of interface comes before what is special to it. */
static void read_kind(const struct nlattr *info, struct link_seen *link)
{
	const struct nlattr *attribute;
	bool is_vlan = false;

	mnl_attr_for_each_nested(attribute, info) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			is_vlan = !strcmp(mnl_attr_get_str(attribute), "vlan");
		if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA && is_vlan)
			link->vlan_id = vlan_of(attribute);
	}
}

static int on_attribute(const struct nlattr *attribute, void *context)
{
	struct link_seen *link = context;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			link->name = mnl_attr_get_str(attribute);
		break;
	case IFLA_LINKINFO: read_kind(attribute, link); break;
	}
	return MNL_CB_OK;
}

/* Whose interfaces messages tell of, and who wants to know. */
struct reading {
	const struct links_sink *sink;
	int nsid;
};

/* Messages of the family AF_BRIDGE tell of ports, not of interfaces. */
static int on_message(const struct nlmsghdr *message, void *context)
{
	const struct reading *r = context;
	const struct links_sink *sink = r->sink;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link_seen link = { .nsid = r->nsid };

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info) || info->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	link.index = info->ifi_index;
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
		mnl_attr_parse(message, sizeof(*info), on_attribute, &link);
		if (link.name)
			sink->seen(sink->context, &link);
		break;
	case RTM_DELLINK: sink->gone(sink->context, r->nsid, link.index); break;
	}
	return MNL_CB_OK;
}

static int request_list(struct mnl_socket *s, int nsid, char *buffer)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	/* Without the statistics, which nobody reads here. */
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (nsid != LINKS_OWN)
		mnl_attr_put_u32(message, IFLA_TARGET_NETNSID, nsid);
	return mnl_socket_sendto(s, message, message->nlmsg_len) < 0 ? -errno : 0;
}

static int read_list(struct mnl_socket *s, const struct reading *r, char *buffer)
{
	int err = request_list(s, r->nsid, buffer);

	while (!err) {
		ssize_t n = mnl_socket_recvfrom(s, buffer, MESSAGE_ROOM);

		if (n < 0)
			return -errno;
		n = mnl_cb_run(buffer, n, 0, mnl_socket_get_portid(s), on_message, (void *)r);
		if (n < 0)
			return -errno;
		if (n == MNL_CB_STOP)
			return 0;
	}
	return err;
}

/* On a socket of its own, on which nothing of a list before is left. */
int links_list(int nsid, const struct links_sink *sink)
{
	const struct reading reading = { .sink = sink, .nsid = nsid };
	char *buffer = malloc(MESSAGE_ROOM);
	int err = buffer ? -EINTR : -ENOMEM;

	for (int i = 0; i < LIST_TRIES && err == -EINTR; i++) {
		struct mnl_socket *s = open_socket(0, 0);

		err = s ? read_list(s, &reading, buffer) : -errno;
		if (s)
			mnl_socket_close(s);
	}
	free(buffer);
	return err;
}

/* --- numbers of namespaces -------------------------------------------------------------------- */

static int on_nsid(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *attribute;
	int *nsid = context;

	mnl_attr_for_each(attribute, message, sizeof(struct rtgenmsg))
		if (mnl_attr_get_type(attribute) == NETNSA_NSID)
			*nsid = (int)mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

/* Asks for the number (RTM_GETNSID) or has the kernel choose one (RTM_NEWNSID). */
static int ask_nsid(struct mnl_socket *s, uint16_t type, int fd, int *nsid)
{
	_Alignas(struct nlmsghdr) char buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtgenmsg *body;
	ssize_t n;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	body = mnl_nlmsg_put_extra_header(message, sizeof(*body));
	body->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(message, NETNSA_FD, fd);
	if (type == RTM_NEWNSID)
		mnl_attr_put_u32(message, NETNSA_NSID, (uint32_t)-1);
	if (mnl_socket_sendto(s, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(s, buffer, sizeof(buffer));
		if (n >= 0)
			n = mnl_cb_run(buffer, n, 0, mnl_socket_get_portid(s), on_nsid, nsid);
		if (n < 0)
			return -errno;
	} while (n != MNL_CB_STOP);
	return 0;
}

int links_nsid(int fd)
{
	struct mnl_socket *s = open_socket(0, 0);
	int nsid = LINKS_OWN, err;

	if (!s)
		return -errno;
	err = ask_nsid(s, RTM_NEWNSID, fd, &nsid);
	if (!err || err == -EEXIST)
		err = ask_nsid(s, RTM_GETNSID, fd, &nsid);
	mnl_socket_close(s);
	return err ? err : nsid;
}

/* --- events ----------------------------------------------------------------------------------- */

/* The kernel says whose an event is, unless our own namespace has no number here. */
static int nsid_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			return *(const int *)CMSG_DATA(c);
	return LINKS_OWN;
}

static bool is_loss(int err)
{
	return err == ENOBUFS || err == ENOSPC;
}

/* What waits is older than what was lost, and than the list that will be asked for: it is first. */
bool links_read(struct links *l, const struct links_sink *sink)
{
	_Alignas(struct nlmsghdr) char buffer[MESSAGE_ROOM];
	_Alignas(struct cmsghdr) char control[64];
	bool lost = false;

	for (int i = 0; i < (lost ? LOST_READS : READS); i++) {
		struct iovec part = { buffer, sizeof(buffer) };
		struct msghdr m = { .msg_iov = &part,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(links_fd(l), &m, 0);
		struct reading reading = { .sink = sink };

		if (n < 0 && is_loss(errno)) {
			lost = true;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		reading.nsid = nsid_of(&m);
		mnl_cb_run(buffer, n, 0, 0, on_message, &reading);
	}
	return !lost;
}
