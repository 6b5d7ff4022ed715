/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf_attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bpf_pin.h"
#include "bpf_reason.h"
#include "interface_names.h"
#include "tc_filters.h"

#define TCX_BEFORE (1u << 3) /* BPF_F_BEFORE: in front of all others, who may redirect */

#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823 /* <linux/if_arp.h>, which the C library's is older than */
#endif

#define TC_PRIORITY 1

static const char *const slot_names[SLOTS] = { "xdp", "in", "out" };

/* --- what kind of interface it is ------------------------------------------------------------- */

struct interface {
	unsigned int index;
	int type; /* ARPHRD_* */
	bool loopback;
};

static int interface_look(const char *name, unsigned int index, struct interface *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct ifreq request = { 0 };

	if (fd < 0)
		return bpf_reason(-errno, strerror(errno), BPF_REASON_FILES);
	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	out->index = ioctl(fd, SIOCGIFINDEX, &request) ? 0 : request.ifr_ifindex;
	if (!out->index || out->index != index)
		err = -ENODEV;
	if (!err && ioctl(fd, SIOCGIFHWADDR, &request))
		err = -errno;
	out->type = request.ifr_hwaddr.sa_family;
	out->loopback = out->type == ARPHRD_LOOPBACK;
	close(fd);
	if (err)
		return bpf_reason(err, err == -ENODEV ? "no such interface" : strerror(-err),
				  "`ip link` lists the interfaces");
	return 0;
}

/* Whether frames begin with an Ethernet header, or with IP; negative: with something else. */
static int interface_program(const struct interface *i)
{
	switch (i->type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK: return PROBE_TC;
	case ARPHRD_NONE: /* tun, WireGuard */
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE: return PROBE_TC_L3;
	}
	return bpf_reason(-EOPNOTSUPP, "neither Ethernet nor plain IP frames",
			  "link type %d needs --hook pcap", i->type);
}

/* --- XDP -------------------------------------------------------------------------------------- */

static int other_xdp_program(unsigned int index)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	char cause[128] = "another XDP program is there";
	int fd = -1;

	if (!bpf_xdp_query(index, 0, &query) && query.prog_id)
		fd = bpf_prog_get_fd_by_id(query.prog_id);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
		snprintf(cause, sizeof(cause), "another XDP program is there (%s, id %u)",
			 info.name, info.id);
	if (fd >= 0)
		close(fd);
	return bpf_reason(-EBUSY, cause, "remove it, or use --hook tc");
}

static int refuse_xdp(int err, unsigned int index, bool generic)
{
	switch (-err) {
	case EBUSY:
	case EEXIST: return other_xdp_program(index);
	case EPERM: return bpf_reason(err, "not permitted", "CAP_NET_ADMIN is needed");
	}
	if (generic)
		return bpf_reason(-EOPNOTSUPP, "attaching XDP failed", "%s; try --hook tc",
				  strerror(-err));
	return bpf_reason(-EOPNOTSUPP, "attaching XDP failed: driver has no native mode for it",
			  "try --hook tc (or xdp-generic); the kernel says %s", strerror(-err));
}

static int attach_xdp(struct bpf_attachment *a, int program, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(program, a->index, BPF_XDP, &opts);

	if (fd < 0)
		return refuse_xdp(-errno, a->index, generic);
	a->link[SLOT_XDP] = fd;
	return 0;
}

/* --- clsact ----------------------------------------------------------------------------------- */

/*
 * A filter has no holder: after SIGKILL it stays. So a process holds an abstract socket for each
 * handle that it uses, and a filter whose socket nobody holds is a leftover. The socket belongs to
 * the network namespace, as the interface does.
 */
static int hold_handle(unsigned int index, unsigned int handle)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "weir/tc/%u/%u", index,
			 handle);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + n)) {
		close(fd);
		return -EBUSY;
	}
	return fd;
}

static struct bpf_tc_hook tc_hook(unsigned int index, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook),
				     .ifindex = index,
				     .attach_point = point };
}

static enum bpf_tc_attach_point tc_point(enum bpf_slot slot)
{
	return slot == SLOT_IN ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

static bool is_ours(uint32_t id)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool ours = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
		    !strncmp(info.name, "weir_tc", 7);

	if (fd >= 0)
		close(fd);
	return ours;
}

/* The id of our filter of that handle; 0: there is none. */
static uint32_t find_filter(unsigned int index, enum bpf_slot slot, unsigned int handle)
{
	struct bpf_tc_hook hook = tc_hook(index, tc_point(slot));
	LIBBPF_OPTS(bpf_tc_opts, query, .handle = handle, .priority = TC_PRIORITY);

	return !bpf_tc_query(&hook, &query) && is_ours(query.prog_id) ? query.prog_id : 0;
}

int bpf_attach_filters(unsigned int index, unsigned int handle, uint32_t ids[2])
{
	int count = 0;

	for (int slot = SLOT_IN; slot <= SLOT_OUT; slot++) {
		uint32_t id = find_filter(index, slot, handle);

		if (id)
			ids[count++] = id;
	}
	return count;
}

/* Removes our filter of that handle, if there is one: how many, or negative errno. */
static int remove_filter(unsigned int index, enum bpf_slot slot, unsigned int handle)
{
	struct bpf_tc_hook hook = tc_hook(index, tc_point(slot));
	LIBBPF_OPTS(bpf_tc_opts, gone, .handle = handle, .priority = TC_PRIORITY);
	int err;

	if (!find_filter(index, slot, handle))
		return 0;
	err = bpf_tc_detach(&hook, &gone);
	return err ? err : 1;
}

static int choose_handle(struct bpf_attachment *a)
{
	for (a->handle = 1; a->handle <= BPF_ATTACH_HANDLES; a->handle++) {
		a->lock = hold_handle(a->index, a->handle);
		if (a->lock >= 0)
			return 0;
	}
	return bpf_reason(-EBUSY, "too many weirs watch this interface", "stop one of them");
}

static int attach_clsact(struct bpf_attachment *a, int program, enum bpf_slot slot)
{
	struct bpf_tc_hook qdisc = tc_hook(a->index, BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct bpf_tc_hook hook = tc_hook(a->index, tc_point(slot));
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = TC_PRIORITY, .prog_fd = program,
		    .flags = BPF_TC_F_REPLACE); /* a leftover goes on as ours, without a gap */
	int err;

	/* The socket that marks a filter as held would keep the namespace alive. */
	if (a->netns)
		return bpf_reason(-EOPNOTSUPP, "this kernel has no TCX",
				  "Linux 6.6 or later is needed for other namespaces");
	if (a->lock < 0) {
		err = bpf_tc_hook_create(&qdisc);
		if (err && err != -EEXIST)
			return bpf_reason(err, "no clsact qdisc can be made",
					  "the kernel says %s; use --hook pcap", strerror(-err));
		a->made_clsact = !err;
		err = choose_handle(a);
		if (err)
			return err;
	}
	opts.handle = a->handle;
	err = bpf_tc_attach(&hook, &opts);
	if (err)
		return bpf_reason(err, "attaching a TC filter failed",
				  "the kernel says %s; use --hook pcap", strerror(-err));
	a->clsact[slot] = true;
	return 0;
}

/* Leftovers of a way that is not watched now. */
static void remove_unused(const struct bpf_attachment *a)
{
	for (int slot = SLOT_IN; slot <= SLOT_OUT; slot++)
		if (!a->clsact[slot])
			remove_filter(a->index, slot, a->handle);
}

/* The qdisc goes only if it was made here and nobody else has put a filter in. */
static void detach_clsact(struct bpf_attachment *a)
{
	struct bpf_tc_hook qdisc = tc_hook(a->index, BPF_TC_INGRESS | BPF_TC_EGRESS);

	for (int slot = SLOT_IN; slot <= SLOT_OUT; slot++)
		if (a->clsact[slot])
			remove_filter(a->index, slot, a->handle);
	if (a->made_clsact && !tc_filters_exist(a->index))
		bpf_tc_hook_destroy(&qdisc);
	if (a->lock >= 0)
		close(a->lock);
	a->lock = -1;
	a->clsact[SLOT_IN] = a->clsact[SLOT_OUT] = a->made_clsact = false;
}

/* Of a handle that nobody holds. */
static int remove_leftovers(unsigned int index, unsigned int handle)
{
	int lock = hold_handle(index, handle), removed = 0;

	if (lock < 0)
		return 0;
	for (int slot = SLOT_IN; slot <= SLOT_OUT && removed >= 0; slot++) {
		int n = remove_filter(index, slot, handle);

		removed = n < 0 ? n : removed + n;
	}
	close(lock);
	return removed;
}

int bpf_detach_leftovers(const char *name)
{
	unsigned int index = if_nametoindex(name);
	int removed = 0;

	if (!index)
		return -ENODEV;
	for (unsigned int handle = 1; handle <= BPF_ATTACH_HANDLES; handle++) {
		int n = remove_leftovers(index, handle);

		if (n < 0)
			return n;
		removed += n;
	}
	return removed;
}

/* --- TCX -------------------------------------------------------------------------------------- */

static int attach_tc(struct bpf_attachment *a, int program, enum bpf_slot slot)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = TCX_BEFORE);
	int fd = bpf_link_create(program, a->index,
				 slot == SLOT_IN ? BPF_ATTACH_TCX_INGRESS : BPF_ATTACH_TCX_EGRESS,
				 &opts);

	if (fd >= 0) {
		a->link[slot] = fd;
		return 0;
	}
	switch (errno) {
	case EPERM:
	case EACCES: return bpf_reason(-EPERM, "not permitted", "CAP_NET_ADMIN is needed");
	case EINVAL: return attach_clsact(a, program, slot); /* no TCX: before Linux 6.6 */
	case EMFILE:
	case ENFILE: return bpf_reason(-errno, strerror(errno), BPF_REASON_FILES);
	}
	return bpf_reason(-errno, "attaching to TC failed", "the kernel says %s; use --hook pcap",
			  strerror(errno));
}

/* --- pinned links ----------------------------------------------------------------------------- */

/* A link of an earlier agent goes on with our program. 0: there is one. */
static int adopt_link(struct bpf_attachment *a, const char *path, int program, enum bpf_slot slot)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	/* XDP's and TCX's info both begin with the interface; 0 when that is gone. */
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.xdp.ifindex == a->index &&
	    !bpf_link_update(fd, program, NULL)) {
		a->link[slot] = fd;
		return 0;
	}
	close(fd);
	unlink(path);
	return -ESTALE;
}

static int attach_slot(struct bpf_attachment *a, struct bpf_probe *probe,
		       const struct config *config, enum bpf_slot slot,
		       enum bpf_probe_program which)
{
	int program = bpf_probe_program_in(probe, a->netns, which), err;
	char path[BPF_PIN_PATH];

	if (program < 0)
		return program;
	if (config->pin) {
		bpf_pin_link_path(path, config->pin, a->name, slot_names[slot]);
		if (!adopt_link(a, path, program, slot))
			return 0;
	}
	if (slot == SLOT_XDP)
		err = attach_xdp(a, program, config->hook == HOOK_XDP_GENERIC);
	else
		err = attach_tc(a, program, slot);
	if (!err && config->pin && a->link[slot] >= 0 && bpf_obj_pin(a->link[slot], path))
		return bpf_reason(-errno, "a link cannot be pinned", "--pin %s: %s", config->pin,
				  strerror(errno));
	return err;
}

static int sort_pin(const char *path, void *context)
{
	const char *slot = strrchr(path, '-');
	struct bpf_link_info info = { 0 };
	const struct config *config = context;
	uint32_t size = sizeof(info);
	char name[IFNAMSIZ], right[BPF_PIN_PATH];
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) || !info.xdp.ifindex ||
	    !if_indextoname(info.xdp.ifindex, name) ||
	    interface_names_match(&config->interfaces, name) != INTERFACE_WANTED) {
		unlink(path);
	} else {
		bpf_pin_link_path(right, config->pin, name, slot + 1);
		if (strcmp(path, right))
			rename(path, right);
	}
	close(fd);
	return 0;
}

void bpf_attach_sort_pins(const struct config *config)
{
	bpf_pin_each_link(config->pin, sort_pin, (void *)config);
}

/* --- all of them ------------------------------------------------------------------------------ */

static int hold_promisc(struct bpf_attachment *a)
{
	struct packet_mreq request = { .mr_ifindex = a->index, .mr_type = PACKET_MR_PROMISC };

	a->promisc = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (a->promisc >= 0 &&
	    !setsockopt(a->promisc, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)))
		return 0;
	return bpf_reason(-errno, strerror(errno), "--promisc needs CAP_NET_RAW");
}

static bool is_xdp(const struct config *config)
{
	return config->hook == HOOK_XDP || config->hook == HOOK_XDP_GENERIC;
}

static bool uses_slot(const struct config *config, const struct interface *i, enum bpf_slot slot)
{
	/* What leaves the loopback interface comes in on it again. */
	if (slot == SLOT_OUT)
		return config->direction != DIRECTION_IN && !i->loopback;
	return config->direction != DIRECTION_OUT && is_xdp(config) == (slot == SLOT_XDP);
}

static void unpin_slot(const struct bpf_attachment *a, const struct config *config,
		       enum bpf_slot slot)
{
	char path[BPF_PIN_PATH];

	bpf_pin_link_path(path, config->pin, a->name, slot_names[slot]);
	unlink(path);
}

/* ingress: of frames as they are on this interface, by TC. */
static enum bpf_probe_program program_of(enum bpf_slot slot, enum bpf_probe_program ingress)
{
	if (slot == SLOT_XDP)
		return PROBE_XDP;
	if (slot == SLOT_IN)
		return ingress;
	return ingress == PROBE_TC ? PROBE_TC_OUT : PROBE_TC_L3_OUT;
}

/* What an agent of another hook or direction has left would count packets again. */
static void unpin_unused(const struct bpf_attachment *a, const struct config *config,
			 const struct interface *i)
{
	for (int slot = 0; slot < SLOTS && config->pin; slot++)
		if (!uses_slot(config, i, slot))
			unpin_slot(a, config, slot);
}

static int attach_slots(struct bpf_attachment *a, struct bpf_probe *probe,
			const struct config *config, const struct interface *i)
{
	int which = interface_program(i), err = 0;
	bool xdp = is_xdp(config);

	if (which < 0)
		return which;
	if (xdp && which == PROBE_TC_L3)
		return bpf_reason(-EOPNOTSUPP, "no Ethernet frames, which XDP is for",
				  "use --hook tc");
	if (which == PROBE_TC_L3 && bpf_probe_needs_ethernet(probe))
		return bpf_reason(-EOPNOTSUPP, "no Ethernet frames, which the filter asks about",
				  "filter by IP, ports and protocols there");
	unpin_unused(a, config, i);
	for (int slot = 0; slot < SLOTS && !err; slot++)
		if (uses_slot(config, i, slot))
			err = attach_slot(a, probe, config, slot, program_of(slot, which));
	return err;
}

int bpf_attach(struct bpf_attachment *a, struct bpf_probe *probe, const struct config *config,
	       const struct watch *w)
{
	struct interface i = { 0 };
	int err;

	*a = (struct bpf_attachment){
		.netns = w->ns->own ? 0 : w->ns->cookie,
		.link = { -1, -1, -1 },
		.lock = -1,
		.promisc = -1,
	};
	snprintf(a->name, sizeof(a->name), "%s", w->name);
	err = interface_look(w->name, w->index, &i);
	if (err)
		return err;
	a->index = i.index;
	if (config->promisc)
		err = hold_promisc(a);
	if (!err)
		err = attach_slots(a, probe, config, &i);
	if (!err && a->lock >= 0)
		remove_unused(a);
	if (err) {
		bpf_attach_unpin(a, config);
		bpf_detach(a, false);
	}
	return err;
}

void bpf_attach_rename(struct bpf_attachment *a, const struct config *config, const char *name)
{
	char from[BPF_PIN_PATH], to[BPF_PIN_PATH];

	for (int slot = 0; slot < SLOTS && config->pin; slot++) {
		bpf_pin_link_path(from, config->pin, a->name, slot_names[slot]);
		bpf_pin_link_path(to, config->pin, name, slot_names[slot]);
		if (a->link[slot] >= 0)
			rename(from, to);
	}
	snprintf(a->name, sizeof(a->name), "%s", name);
}

void bpf_attach_unpin(const struct bpf_attachment *a, const struct config *config)
{
	for (int slot = 0; slot < SLOTS && config->pin; slot++)
		if (a->link[slot] >= 0)
			unpin_slot(a, config, slot);
}

void bpf_detach(struct bpf_attachment *a, bool keep)
{
	for (int slot = 0; slot < SLOTS; slot++) {
		if (a->link[slot] >= 0)
			close(a->link[slot]);
		a->link[slot] = -1;
	}
	if (a->promisc >= 0)
		close(a->promisc);
	a->promisc = -1;
	if (!keep && a->index && a->lock >= 0)
		detach_clsact(a);
	a->index = 0;
}
