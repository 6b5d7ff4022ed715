/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose a socket is, by what the kernel tells in whatever order, and what is forgotten. */
#include <netinet/in.h>

#include "netns.h"
#include "outputs.h"
#include "owners.h"

#define NETNS  7
#define SECOND 1000000000ull

static const uint8_t here[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
static const uint8_t there[16] = { [10] = 0xff, 0xff, 192, 0, 2, 2 };
static const uint8_t any[16];

struct rig {
	struct owners *owners;
	struct flow flow;
	struct flow_record record;
};

static bool is_here(void *context, const uint8_t addr[16])
{
	(void)context;
	return !memcmp(addr, here, 16);
}

static int setup_of(void **state, uint32_t most)
{
	const struct owners_config config = {
		.netns = NETNS,
		.most_sockets = most,
		.is_local = is_here,
	};
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->owners = owners_new(&config);
	rig->record.ip_version = 4;
	rig->record.protocol = IPPROTO_TCP;
	memcpy(rig->record.src_addr, here, 16);
	memcpy(rig->record.dst_addr, there, 16);
	rig->record.src_port = 40000;
	rig->record.dst_port = 80;
	*state = rig;
	return rig->owners ? 0 : -1;
}

static int setup(void **state)
{
	return setup_of(state, 0);
}

static int setup_three(void **state)
{
	return setup_of(state, 3);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	owners_free(rig->owners);
	free(rig);
	return 0;
}

/* The beginning of a message; who sends it may change it before. */
struct told {
	struct attribute_socket socket;
	char path[200];
};

static struct told told(uint64_t cookie, uint32_t pid, const char *name)
{
	struct told m = { .socket = {
				  .type = ATTRIBUTE_SOCKET, .socket = cookie, .netns = NETNS } };

	m.socket.process.pid = pid;
	m.socket.process.start_ns = pid * 10ull;
	m.socket.time_ns = SECOND;
	m.socket.protocol = IPPROTO_TCP;
	m.socket.ipv4 = 1;
	snprintf(m.socket.process.name, sizeof(m.socket.process.name), "%s", name);
	return m;
}

static void say(struct rig *rig, const struct told *m, bool listed)
{
	owners_message(rig->owners, m, sizeof(m->socket) + (m->socket.path_len + 7) / 8 * 8,
		       listed);
}

static void tell(struct rig *rig, uint64_t cookie, uint32_t pid, const char *name)
{
	struct told m = told(cookie, pid, name);

	say(rig, &m, false);
}

static void list(struct rig *rig, uint64_t cookie, uint32_t pid, const char *name)
{
	struct told m = told(cookie, pid, name);

	say(rig, &m, true);
}

static void check_end(struct rig *rig, int end, enum owner_state state, uint32_t pid,
		      const char *name)
{
	owners_fill(rig->owners, &rig->flow, &rig->record);
	assert_int_equal(rig->record.owner[end].state, state);
	assert_int_equal(rig->record.owner[end].pid, pid);
	assert_string_equal(rig->record.owner[end].process, name);
}

static void by_socket(void **state)
{
	struct rig *rig = *state;

	tell(rig, 1, 100, "client");
	rig->flow.socket[0] = owners_hold(rig->owners, 1);
	rig->flow.socket[1] = owners_hold(rig->owners, 2); /* before it is told of */
	check_end(rig, 0, OWNER_KNOWN, 100, "client");
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	assert_false(owners_knows(rig->owners, rig->flow.socket[1]));
	tell(rig, 2, 200, "server");
	check_end(rig, 1, OWNER_KNOWN, 200, "server");
	assert_true(owners_knows(rig->owners, rig->flow.socket[1]));
	assert_int_equal(rig->record.system_pid, 100);
	assert_string_equal(rig->record.system_process, "client");
	rig->flow.socket[0] = 0;
	memcpy(rig->record.src_addr, there, 16);
	check_end(rig, 0, OWNER_ELSEWHERE, 0, "");
	assert_int_equal(rig->record.system_pid, 200);
	assert_string_equal(rig->record.system_process, "server");
	rig->flow.socket[1] = 0;
	check_end(rig, 1, OWNER_ELSEWHERE, 0, "");
	assert_int_equal(rig->record.system_pid, -1);
	assert_string_equal(rig->record.system_process, "");
}

static void last_user_wins(void **state)
{
	struct rig *rig = *state;
	struct told m = told(1, 300, "third");

	tell(rig, 1, 100, "parent");
	rig->flow.socket[0] = owners_hold(rig->owners, 1);
	tell(rig, 1, 200, "worker");
	check_end(rig, 0, OWNER_KNOWN, 200, "worker");
	m.socket.shared = 1;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
}

/* A socket of datagrams that two have used is nobody's, until one alone is told of again. */
static void datagrams_in_turns(void **state)
{
	struct rig *rig = *state;
	struct told m = told(1, 100, "one");

	m.socket.protocol = IPPROTO_UDP;
	say(rig, &m, false);
	rig->flow.socket[0] = owners_hold(rig->owners, 1);
	check_end(rig, 0, OWNER_KNOWN, 100, "one");
	say(rig, &m, false);
	check_end(rig, 0, OWNER_KNOWN, 100, "one");
	m.socket.process.pid = 200;
	m.socket.time_ns += SECOND;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	m.socket.process.pid = 100;
	m.socket.time_ns += SECOND;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	m.socket.time_ns += ATTRIBUTE_RETELL_NS;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_KNOWN, 100, "one");
	m.socket.process.pid = 200;
	m.socket.time_ns += ATTRIBUTE_RETELL_NS - SECOND - 1; /* a ns before ticks may say so */
	say(rig, &m, false);
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	m.socket.time_ns += ATTRIBUTE_RETELL_NS - SECOND;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_KNOWN, 200, "one");
}

static void listed_by_several(void **state)
{
	struct rig *rig = *state;

	list(rig, 1, 100, "one");
	rig->flow.socket[0] = owners_hold(rig->owners, 1);
	check_end(rig, 0, OWNER_KNOWN, 100, "one");
	list(rig, 1, 100, "one"); /* a second descriptor of the same process */
	check_end(rig, 0, OWNER_KNOWN, 100, "one");
	list(rig, 1, 200, "two");
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	list(rig, 1, 200, "two");
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	tell(rig, 1, 200, "two");
	check_end(rig, 0, OWNER_KNOWN, 200, "two");
	list(rig, 1, 100, "one"); /* who used it says more than who holds it */
	check_end(rig, 0, OWNER_KNOWN, 200, "two");
}

static void renames(void **state)
{
	struct rig *rig = *state;
	struct attribute_rename m = { .type = ATTRIBUTE_RENAME };

	tell(rig, 1, 100, "sh");
	rig->flow.socket[0] = owners_hold(rig->owners, 1);
	m.process = (struct attribute_process){ .pid = 100, .start_ns = 1000, .name = "curl" };
	owners_message(rig->owners, &m, sizeof(m), false);
	check_end(rig, 0, OWNER_KNOWN, 100, "curl");
	m.process.start_ns = 1001; /* another process of that number */
	strcpy(m.process.name, "other");
	owners_message(rig->owners, &m, sizeof(m), false);
	check_end(rig, 0, OWNER_KNOWN, 100, "curl");
	m.process = (struct attribute_process){ .pid = 100, .start_ns = 1000 };
	memcpy(m.process.name,
	       "a\nb\xff\xc3\xa9"
	       "89012345\xc3",
	       16); /* no end, half a letter */
	owners_message(rig->owners, &m, sizeof(m), false);
	check_end(rig, 0, OWNER_KNOWN, 100,
		  "a?b?\xc3\xa9"
		  "89012345?");
}

static void groups(void **state)
{
	struct rig *rig = *state;
	struct told m = told(1, 100, "x");
	static const char path[] = "inner\0middle\0outer";

	m.socket.cgroup_id = 55;
	m.socket.path_len = sizeof(path);
	memcpy(m.path, path, sizeof(path));
	say(rig, &m, false);
	rig->flow.socket[0] = owners_hold(rig->owners, 1);
	check_end(rig, 0, OWNER_KNOWN, 100, "x");
	assert_string_equal(rig->record.owner[0].cgroup, "/outer/middle/inner");
	assert_int_equal(rig->record.owner[0].cgroup_id, 55);
	assert_string_equal(rig->record.owner[0].container, "");
	m.socket.cgroup_id = 56; /* it has moved, to a name without its end */
	m.socket.path_len = 5;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_KNOWN, 100, "x");
	assert_string_equal(rig->record.owner[0].cgroup, "/inner");
	m.socket.cgroup_id = 1;
	m.socket.path_len = 0;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_KNOWN, 100, "x");
	assert_string_equal(rig->record.owner[0].cgroup, "/");
}

/* A datagram to this host that nobody answered: src is there, dst here. */
static void receive(struct rig *rig, uint64_t cookie, uint32_t pid, const uint8_t local[16],
		    uint64_t time_ns, const uint8_t remote[16], uint16_t remote_port)
{
	struct told m = told(cookie, pid, "receiver");

	m.socket.protocol = IPPROTO_UDP;
	m.socket.local_port = 9000;
	m.socket.remote_port = remote_port;
	m.socket.time_ns = time_ns;
	memcpy(m.socket.local, local, 16);
	memcpy(m.socket.remote, remote, 16);
	say(rig, &m, false);
}

static void datagram_to_here(struct rig *rig)
{
	struct flow_record *r = &rig->record;

	r->protocol = IPPROTO_UDP;
	memcpy(r->src_addr, there, 16);
	memcpy(r->dst_addr, here, 16);
	r->src_port = 40000;
	r->dst_port = 9000;
	r->side[SIDE_BOTH].first_ns = 1000 * SECOND;
}

static void receivers(void **state)
{
	struct rig *rig = *state;

	datagram_to_here(rig);
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	receive(rig, 1, 100, any, 900 * SECOND, any, 0); /* long before */
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	receive(rig, 2, 200, any, 990 * SECOND, any, 0);
	check_end(rig, 1, OWNER_KNOWN, 200, "receiver");
	receive(rig, 3, 300, any, 1001 * SECOND, any, 0); /* on the port since */
	check_end(rig, 1, OWNER_KNOWN, 300, "receiver");
	receive(rig, 4, 400, here, 1001 * SECOND, any, 0);
	check_end(rig, 1, OWNER_KNOWN, 400, "receiver");
	receive(rig, 5, 500, here, 1001 * SECOND, any, 0); /* SO_REUSEPORT */
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	receive(rig, 6, 600, here, 1001 * SECOND, there, 40000);
	check_end(rig, 1, OWNER_KNOWN, 600, "receiver");
	receive(rig, 6, 600, here, 1001 * SECOND, there, 40001); /* connected to another */
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	check_end(rig, 0, OWNER_ELSEWHERE, 0, "");
}

/* A host that has just started. */
static void receivers_early(void **state)
{
	struct rig *rig = *state;

	datagram_to_here(rig);
	rig->record.side[SIDE_BOTH].first_ns = 2 * ATTRIBUTE_RETELL_NS - 1;
	receive(rig, 1, 100, any, 0, any, 0);
	check_end(rig, 1, OWNER_KNOWN, 100, "receiver");
}

static void receivers_of_others(void **state)
{
	struct rig *rig = *state;
	struct told m = told(1, 100, "receiver");

	datagram_to_here(rig);
	m.socket.protocol = IPPROTO_UDP;
	m.socket.local_port = 9000;
	m.socket.time_ns = 1001 * SECOND;
	m.socket.netns = NETNS + 1;
	say(rig, &m, false);
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	m.socket.netns = NETNS;
	memcpy(m.socket.local, there, 16);
	say(rig, &m, false);
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	memcpy(m.socket.local, any, 16);
	say(rig, &m, false);
	check_end(rig, 1, OWNER_KNOWN, 100, "receiver");
	rig->record.ip_version = 6; /* which a socket of IPv4 does not receive */
	check_end(rig, 1, OWNER_UNKNOWN, 0, "");
	rig->record.ip_version = 4;
	strcpy(rig->record.netns, "other"); /* where the same address may be another's */
	check_end(rig, 1, OWNER_ELSEWHERE, 0, "");
	netns_name(NETNS, rig->record.netns);
	check_end(rig, 1, OWNER_KNOWN, 100, "receiver");
	memcpy(rig->record.dst_addr, there, 16); /* routed: not for this host */
	check_end(rig, 1, OWNER_ELSEWHERE, 0, "");
}

/* Where packets name no socket: a connection is found by all of its ends. */
static void connections_by_ports(void **state)
{
	struct rig *rig = *state;
	struct told m = told(1, 100, "client");

	rig->record.side[SIDE_BOTH].first_ns = 1000 * SECOND;
	m.socket.time_ns = 999 * SECOND;
	memcpy(m.socket.local, here, 16);
	memcpy(m.socket.remote, there, 16);
	m.socket.local_port = 40000;
	say(rig, &m, false); /* a port yet to come, or one that listens */
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	m.socket.remote_port = 81;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	m.socket.remote_port = 80;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_KNOWN, 100, "client");
	m.socket.socket = 2; /* the same ends again, by another process */
	m.socket.process.pid = 200;
	say(rig, &m, false);
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
	m.socket.time_ns = 1001 * SECOND; /* which goes on */
	say(rig, &m, false);
	check_end(rig, 0, OWNER_KNOWN, 200, "client");
	rig->record.protocol = IPPROTO_SCTP;
	check_end(rig, 0, OWNER_UNKNOWN, 0, "");
}

static void room_is_bounded(void **state)
{
	struct rig *rig = *state;

	for (uint32_t i = 1; i <= 1000; i++)
		tell(rig, i, i, "x");
	assert_int_equal(owners_count(rig->owners), 3);
	rig->flow.socket[0] = owners_hold(rig->owners, 998); /* the oldest of the three */
	tell(rig, 999, 999, "x");                            /* the next one, but told of again */
	tell(rig, 2000, 2000, "x");
	assert_false(owners_knows(rig->owners, owners_hold(rig->owners, 1000)));
	check_end(rig, 0, OWNER_KNOWN, 998, "x");
	assert_int_equal(owners_count(rig->owners), 3);
	/* 998, 1000 and, from here on, another are held: nobody makes way. */
	assert_int_not_equal(owners_hold(rig->owners, 3000), 0);
	assert_int_equal(owners_refused(rig->owners), 0);
	assert_int_equal(owners_hold(rig->owners, 4000), 0);
	tell(rig, 5000, 5000, "x");
	assert_int_equal(owners_refused(rig->owners), 2);
	owners_release(rig->owners, rig->flow.socket[0]);
	assert_int_not_equal(owners_hold(rig->owners, 4000), 0);
	owners_release(rig->owners, 0);
}

static void no_messages(void **state)
{
	struct rig *rig = *state;
	struct told m = told(1, 100, "x");

	m.socket.path_len = UINT32_MAX;
	assert_int_equal(owners_message_size(&m, sizeof(m)), 0);
	owners_message(rig->owners, &m, sizeof(m), false);
	m.socket.path_len = 0;
	owners_message(rig->owners, &m, sizeof(m.socket) - 1, false);
	owners_message(rig->owners, &m, 0, false);
	m.socket.type = 9;
	owners_message(rig->owners, &m, sizeof(m), false);
	assert_int_equal(owners_count(rig->owners), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(last_user_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(datagrams_in_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(listed_by_several, setup, teardown),
		cmocka_unit_test_setup_teardown(renames, setup, teardown),
		cmocka_unit_test_setup_teardown(groups, setup, teardown),
		cmocka_unit_test_setup_teardown(receivers, setup, teardown),
		cmocka_unit_test_setup_teardown(receivers_early, setup, teardown),
		cmocka_unit_test_setup_teardown(receivers_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(connections_by_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(room_is_bounded, setup_three, teardown),
		cmocka_unit_test_setup_teardown(no_messages, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
