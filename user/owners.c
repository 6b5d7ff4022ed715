/* SPDX-License-Identifier: BSD-2-Clause */
#include "owners.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "container_id.h"
#include "flow_index.h"
#include "local_addresses.h"
#include "meter/wire.h"
#include "netns.h"
#include "slab.h"
#include "utf8.h"

#define SOCKETS_MOST 262144u

#define TELL_SLACK_NS 1000000000ull /* the kernel measures by ticks */
#define PORTS         65536u        /* a power of two */

/* A process that has used sockets which are kept. */
struct process {
	struct attribute_process told;
	uint64_t cgroup_id;
	char *cgroup; /* NULL: not asked for, or no memory */
	uint32_t sockets;
	char container[CONTAINER_ID_SIZE];
	char pod_uid[POD_UID_SIZE];
};

enum source {
	SOURCE_NONE,   /* seen in a packet alone */
	SOURCE_LISTED, /* of the list at the start: who holds it */
	SOURCE_TOLD,   /* who used it */
};

struct socket {
	uint64_t cookie;
	uint64_t told_ns;
	uint32_t process; /* 0 = not known, or not one alone */
	uint32_t flows;   /* that hold it */
	uint32_t next_of_ports;
	uint32_t netns;
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint8_t protocol, ipv4;
	uint8_t source;    /* enum source */
	uint8_t has_ports; /* it is in the list of its ports */
};

struct owners {
	struct owners_config config;
	char netns[NETNS_NAME_SIZE]; /* that of config by its name */
	struct slab sockets, processes;
	struct flow_index socket_index, process_index;
	struct slab_list idle; /* sockets that no flow holds, told of longest ago first */
	uint32_t *of_ports;    /* lists of sockets: see ports_slot() */
	uint64_t refused;
	struct local_addresses addresses;
	struct pods *pods;
};

static uint32_t hash64(uint64_t value)
{
	return (value * 0x9e3779b97f4a7c15u) >> 32;
}

static uint32_t process_hash(const struct attribute_process *p)
{
	return hash64(p->start_ns ^ (uint64_t)p->pid << 40);
}

static struct socket *socket_at(const struct owners *o, uint32_t number)
{
	return slab_at(&o->sockets, number);
}

static struct process *process_at(const struct owners *o, uint32_t number)
{
	return slab_at(&o->processes, number);
}

static bool uses_datagrams(uint8_t protocol)
{
	return protocol == PROTO_UDP || protocol == PROTO_UDPLITE;
}

/* --- processes -------------------------------------------------------------------------------- */

static uint32_t process_find(const struct owners *o, const struct attribute_process *told)
{
	const struct flow_index *index = &o->process_index;
	uint32_t hash = process_hash(told);

	for (uint32_t at = hash & index->mask; index->buckets[at].number;
	     at = (at + 1) & index->mask) {
		uint32_t number = index->buckets[at].number;
		const struct process *p = process_at(o, number);

		if (index->buckets[at].hash == hash && p->told.pid == told->pid &&
		    p->told.start_ns == told->start_ns)
			return number;
	}
	return 0;
}

/* From names that go outwards, each with its end, to "/outer/inner"; NULL when memory is short. */
static char *path_of(const char *names, size_t length)
{
	char *path = malloc(length + 2), *to;

	if (!path)
		return NULL;
	to = path + length + 1;
	*to = '\0';
	for (size_t i = 0, n; i < length; i += n + 1) {
		n = strnlen(names + i, length - i);
		to -= n;
		memcpy(to, names + i, n);
		*--to = '/';
	}
	memmove(path, to, strlen(to) + 1);
	if (!length)
		strcpy(path, "/");
	utf8_clean(path);
	return path;
}

static void process_set_group(struct process *p, uint64_t id, const char *names, size_t length)
{
	if (p->cgroup && p->cgroup_id == id)
		return;
	free(p->cgroup);
	p->cgroup_id = id;
	p->cgroup = path_of(names, length);
	container_id(p->cgroup ? p->cgroup : "", p->container);
	container_pod_uid(p->cgroup ? p->cgroup : "", p->pod_uid);
}

static void process_set_name(struct process *p, const struct attribute_process *told)
{
	p->told = *told;
	p->told.name[sizeof(p->told.name) - 1] = '\0';
	utf8_clean(p->told.name);
}

/* 0: no memory. */
static uint32_t process_of(struct owners *o, const struct attribute_process *told)
{
	uint32_t number = process_find(o, told);

	if (number)
		return number;
	number = slab_alloc(&o->processes);
	if (number && flow_index_add(&o->process_index, process_hash(told), number)) {
		slab_release(&o->processes, number);
		return 0;
	}
	if (number)
		process_set_name(process_at(o, number), told);
	return number;
}

static void process_leave(struct owners *o, uint32_t number)
{
	struct process *p = number ? process_at(o, number) : NULL;

	if (!p || --p->sockets)
		return;
	flow_index_remove(&o->process_index, process_hash(&p->told), number);
	free(p->cgroup);
	slab_release(&o->processes, number);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static uint32_t socket_find(const struct owners *o, uint64_t cookie)
{
	const struct flow_index *index = &o->socket_index;
	uint32_t hash = hash64(cookie);

	for (uint32_t at = hash & index->mask; index->buckets[at].number;
	     at = (at + 1) & index->mask)
		if (index->buckets[at].hash == hash &&
		    socket_at(o, index->buckets[at].number)->cookie == cookie)
			return index->buckets[at].number;
	return 0;
}

/* Datagrams may come from anywhere to a socket: its own port alone counts. */
static uint32_t ports_slot(uint8_t protocol, uint16_t local, uint16_t remote)
{
	return uses_datagrams(protocol) ? local : (local ^ remote * 0x9e35u) & (PORTS - 1);
}

static uint32_t *ports_list(const struct owners *o, const struct socket *s)
{
	return &o->of_ports[ports_slot(s->protocol, s->local_port, s->remote_port)];
}

static void ports_leave(struct owners *o, uint32_t number)
{
	const struct socket *s = socket_at(o, number);
	uint32_t *at = ports_list(o, s);

	if (!s->has_ports)
		return;
	while (*at != number)
		at = &socket_at(o, *at)->next_of_ports;
	*at = s->next_of_ports;
}

static void ports_enter(struct owners *o, uint32_t number)
{
	struct socket *s = socket_at(o, number);
	uint32_t *list = ports_list(o, s);

	s->has_ports = s->local_port && (uses_datagrams(s->protocol) || s->remote_port);
	if (!s->has_ports)
		return;
	s->next_of_ports = *list;
	*list = number;
}

static void socket_set_process(struct owners *o, struct socket *s, uint32_t process)
{
	if (process)
		process_at(o, process)->sockets++;
	process_leave(o, s->process);
	s->process = process;
}

static void socket_forget(struct owners *o, uint32_t number)
{
	struct socket *s = socket_at(o, number);

	ports_leave(o, number);
	socket_set_process(o, s, 0);
	flow_index_remove(&o->socket_index, hash64(s->cookie), number);
	slab_remove(&o->sockets, &o->idle, number);
	slab_release(&o->sockets, number);
}

/* 0: no room, and every socket is held; or no memory. */
static uint32_t socket_of(struct owners *o, uint64_t cookie)
{
	uint32_t number = socket_find(o, cookie);

	if (number)
		return number;
	if (o->sockets.used >= o->config.most_sockets && o->idle.head)
		socket_forget(o, o->idle.head);
	if (o->sockets.used < o->config.most_sockets)
		number = slab_alloc(&o->sockets);
	if (number && flow_index_add(&o->socket_index, hash64(cookie), number)) {
		slab_release(&o->sockets, number);
		number = 0;
	}
	if (!number) {
		o->refused++;
		return 0;
	}
	socket_at(o, number)->cookie = cookie;
	slab_append(&o->sockets, &o->idle, number);
	return number;
}

/* Told of just now: the last one to make way. */
static void socket_refresh(struct owners *o, uint32_t number)
{
	if (socket_at(o, number)->flows)
		return;
	slab_remove(&o->sockets, &o->idle, number);
	slab_append(&o->sockets, &o->idle, number);
}

uint32_t owners_hold(struct owners *o, uint64_t cookie)
{
	uint32_t number = socket_of(o, cookie);

	if (number && !socket_at(o, number)->flows++)
		slab_remove(&o->sockets, &o->idle, number);
	return number;
}

void owners_release(struct owners *o, uint32_t number)
{
	if (number && !--socket_at(o, number)->flows)
		slab_append(&o->sockets, &o->idle, number);
}

bool owners_knows(const struct owners *o, uint32_t number)
{
	return number && socket_at(o, number)->process;
}

/* --- messages --------------------------------------------------------------------------------- */

static void socket_set_ends(struct owners *o, uint32_t number, const struct attribute_socket *m)
{
	struct socket *s = socket_at(o, number);

	ports_leave(o, number);
	memcpy(s->local, m->local, 16);
	memcpy(s->remote, m->remote, 16);
	s->local_port = m->local_port;
	s->remote_port = m->remote_port;
	s->netns = m->netns;
	s->protocol = m->protocol;
	s->ipv4 = m->ipv4;
	ports_enter(o, number);
}

/*
 * A connection passes from one process to another; a socket of datagrams may be everybody's, and
 * is nobody's until one of them alone has used it for so long that it is told of again.
 */
static bool is_shared(const struct socket *s, const struct attribute_socket *m, uint32_t process,
		      bool listed)
{
	if (m->shared)
		return true;
	if (listed)
		return s->source == SOURCE_LISTED && s->process != process;
	return uses_datagrams(m->protocol) && s->source == SOURCE_TOLD && s->process != process &&
	       m->time_ns - s->told_ns < ATTRIBUTE_RETELL_NS - TELL_SLACK_NS;
}

/*
 * Who used a socket is its owner. The list of the start tells who holds it, which several may: then
 * nobody is known until one of them uses it.
 */
static void on_socket(struct owners *o, const struct attribute_socket *m, bool listed)
{
	uint32_t number = socket_of(o, m->socket), process;
	struct socket *s = number ? socket_at(o, number) : NULL;

	if (!s || (listed && s->source == SOURCE_TOLD))
		return;
	process = process_of(o, &m->process);
	if (process) {
		process_set_name(process_at(o, process), &m->process);
		process_set_group(process_at(o, process), m->cgroup_id, (const char *)(m + 1),
				  m->path_len);
		process_at(o, process)->sockets++; /* kept while it is decided */
	}
	if (is_shared(s, m, process, listed))
		socket_set_process(o, s, 0);
	else
		socket_set_process(o, s, process);
	process_leave(o, process);
	s->source = listed ? SOURCE_LISTED : SOURCE_TOLD;
	s->told_ns = m->time_ns;
	socket_set_ends(o, number, m);
	socket_refresh(o, number);
}

static void on_rename(struct owners *o, const struct attribute_rename *m)
{
	uint32_t number = process_find(o, &m->process);

	if (number)
		process_set_name(process_at(o, number), &m->process);
}

size_t owners_message_size(const void *data, size_t size)
{
	const struct attribute_socket *m = data;
	size_t whole;

	if (size < sizeof(*m) || m->type != ATTRIBUTE_SOCKET)
		return 0;
	whole = sizeof(*m) + (m->path_len + 7ull) / 8 * 8;
	return whole <= size ? whole : 0;
}

void owners_message(struct owners *o, const void *message, size_t size, bool listed)
{
	const struct attribute_rename *rename = message;

	if (size >= sizeof(*rename) && rename->type == ATTRIBUTE_RENAME)
		on_rename(o, rename);
	else if (owners_message_size(message, size))
		on_socket(o, message, listed);
}

/* --- what a record asks ----------------------------------------------------------------------- */

static bool is_any(const uint8_t addr[16])
{
	static const uint8_t any[16];

	return !memcmp(addr, any, 16);
}

/* How well a socket fits the packets of this end: 0 not, more the better. */
static int fit(const struct owners *o, const struct socket *s, const struct flow_record *r, int end)
{
	const uint8_t *local = end ? r->dst_addr : r->src_addr;
	const uint8_t *remote = end ? r->src_addr : r->dst_addr;
	uint16_t remote_port = end ? r->src_port : r->dst_port;

	if (s->netns != o->config.netns || s->protocol != r->protocol ||
	    s->local_port != (end ? r->dst_port : r->src_port))
		return 0;
	if (is_any(s->local) ? s->ipv4 && r->ip_version != 4 : memcmp(s->local, local, 16) != 0)
		return 0;
	if (s->remote_port && (s->remote_port != remote_port || memcmp(s->remote, remote, 16)))
		return 0;
	return 1 + !is_any(s->local) + 2 * !!s->remote_port;
}

/*
 * The process of the best fit among the sockets that were used from from_ns to until_ns. 0: nobody,
 * or several were found, who cannot be told apart.
 */
static uint32_t used_between(const struct owners *o, const struct flow_record *r, int end,
			     uint64_t from_ns, uint64_t until_ns, bool *found)
{
	uint16_t local = end ? r->dst_port : r->src_port, remote = end ? r->src_port : r->dst_port;
	uint32_t n = o->of_ports[ports_slot(r->protocol, local, remote)], process = 0;
	int best = 0;

	for (; n; n = socket_at(o, n)->next_of_ports) {
		const struct socket *s = socket_at(o, n);
		int fits = s->told_ns >= from_ns && s->told_ns < until_ns ? fit(o, s, r, end) : 0;

		if (!fits || fits < best)
			continue;
		process = fits > best || process == s->process ? s->process : 0;
		best = fits;
	}
	*found = best > 0;
	return process;
}

/*
 * No packet named a socket: who receives and never answers, or an interface on which packets have
 * none (lo). The socket was used during the flow; or before, since a use is told of now and then.
 */
static uint32_t by_ports(const struct owners *o, const struct flow_record *r, int end)
{
	uint64_t began = r->side[SIDE_BOTH].first_ns, before = 2 * ATTRIBUTE_RETELL_NS;
	bool found;
	uint32_t process = used_between(o, r, end, began, UINT64_MAX, &found);

	if (found)
		return process;
	return used_between(o, r, end, began > before ? began - before : 0, began, &found);
}

static bool is_local(struct owners *o, const uint8_t addr[16])
{
	if (o->config.is_local)
		return o->config.is_local(o->config.context, addr);
	return local_addresses_have(&o->addresses, addr);
}

static void fill_pod(struct owners *o, const struct process *p, struct record_owner *to)
{
	struct pod_names names = { "", "", "", "" };

	if (o->pods && p->pod_uid[0])
		pods_find(o->pods, p->pod_uid, p->container, &names);
	to->pod_namespace = names.namespace;
	to->pod = names.name;
	to->pod_container = names.container;
	to->pod_labels = names.labels;
}

static void fill_owner(struct owners *o, uint32_t process, struct record_owner *to)
{
	const struct process *p = process_at(o, process);

	to->state = OWNER_KNOWN;
	to->pid = p->told.pid;
	to->process = p->told.name;
	to->cgroup_id = p->cgroup_id;
	to->cgroup = p->cgroup ? p->cgroup : "";
	to->container = p->container;
	fill_pod(o, p, to);
}

/* Addresses and ports say nothing of sockets in another namespace. */
static bool is_met_here(const struct owners *o, const struct flow_record *r)
{
	return !*r->netns || !strcmp(r->netns, o->netns);
}

static void fill_end(struct owners *o, const struct flow *f, struct flow_record *r, int end)
{
	static const struct record_owner nobody = { "", "", "", "", "", "", "", 0, 0, 0 };
	bool here = f->socket[end] != 0;
	uint32_t process = here ? socket_at(o, f->socket[end])->process : 0;

	r->owner[end] = nobody;
	if (!here && is_met_here(o, r)) {
		here = is_local(o, end ? r->dst_addr : r->src_addr);
		process = here ? by_ports(o, r, end) : 0;
	}
	if (process)
		fill_owner(o, process, &r->owner[end]);
	else if (here)
		r->owner[end].state = OWNER_UNKNOWN;
}

void owners_fill(struct owners *o, const struct flow *f, struct flow_record *r)
{
	const struct record_owner *local;

	fill_end(o, f, r, 0);
	fill_end(o, f, r, 1);
	local = &r->owner[r->owner[0].state != OWNER_KNOWN];
	r->system_process = local->process;
	r->system_pid = local->state == OWNER_KNOWN ? (int32_t)local->pid : -1;
}

void owners_poll(struct owners *o)
{
	if (o)
		pods_poll(o->pods);
}

uint32_t owners_count(const struct owners *o)
{
	return o->sockets.used;
}

uint64_t owners_refused(const struct owners *o)
{
	return o->refused;
}

/* --- life ------------------------------------------------------------------------------------- */

struct owners *owners_new(const struct owners_config *config)
{
	struct owners *o = calloc(1, sizeof(*o));
	bool whole;

	if (!o)
		return NULL;
	o->config = *config;
	netns_name(config->netns, o->netns);
	if (!o->config.most_sockets)
		o->config.most_sockets = SOCKETS_MOST;
	slab_init(&o->sockets, sizeof(struct socket));
	slab_init(&o->processes, sizeof(struct process));
	o->of_ports = calloc(PORTS, sizeof(*o->of_ports));
	whole = o->of_ports && !flow_index_init(&o->socket_index) &&
		!flow_index_init(&o->process_index);
	if (whole && config->pod_logs) {
		o->pods = pods_new(config->pod_logs, config->service_account);
		whole = o->pods != NULL;
	}
	if (whole)
		return o;
	owners_free(o);
	return NULL;
}

static void free_groups(struct owners *o)
{
	const struct flow_index *index = &o->process_index;

	for (uint32_t i = 0; index->buckets && i <= index->mask; i++)
		if (index->buckets[i].number)
			free(process_at(o, index->buckets[i].number)->cgroup);
}

void owners_free(struct owners *o)
{
	if (!o)
		return;
	free_groups(o);
	flow_index_destroy(&o->socket_index);
	flow_index_destroy(&o->process_index);
	slab_destroy(&o->sockets);
	slab_destroy(&o->processes);
	local_addresses_free(&o->addresses);
	pods_free(o->pods);
	free(o->of_ports);
	free(o);
}
