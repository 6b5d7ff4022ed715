/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins of a program: what hooks are shown, in which order, what they may change, and what
 * becomes of one that fails. demo.pcap has 22 flows; the first is a DNS query and its answer.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weir/plugin.h"

#define DEMO       "tests/pcaps/recorded/demo.pcap"
#define DEMO_FLOWS 22

enum hook { ON_INIT, ON_UPDATE, ON_MERGE, ON_EXPIRE, ON_RELEASE, CLEANUP, HOOKS };

/* What the hooks of one plugin did, and should do. */
struct probe {
	uint64_t calls[HOOKS];
	uint64_t shown, shown_bytes; /* packets */
	uint64_t left;               /* strings that the state owns */
	enum hook fails_at;
	uint64_t fails_after; /* calls of that hook */
	int error;
	uint64_t cut_after; /* packets; 0 = never */
	uint32_t asks;      /* packets that open() asks for; 0 = those of the table */
	uint64_t flows_seen, wrong;
};

struct state {
	uint64_t packets, merged, huge;
	double half, zero;
	int64_t negative;
	char *name;
	uint32_t checks;
	uint8_t small;
	char text[11];
};

static const struct weir_plugin_column columns[] = {
	{ "t_packets", "packets", "shown", WEIR_STORE_U64, offsetof(struct state, packets) },
	{ "t_merged", "", "merges", WEIR_STORE_U64, offsetof(struct state, merged) },
	{ "t_huge", "", "more than int64_t", WEIR_STORE_U64, offsetof(struct state, huge) },
	{ "t_zero", "", "minus zero", WEIR_STORE_DOUBLE, offsetof(struct state, zero) },
	{ "t_half", "", "a double", WEIR_STORE_DOUBLE, offsetof(struct state, half) },
	{ "t_negative", "", "an int", WEIR_STORE_I64, offsetof(struct state, negative) },
	{ "t_name", "", "a string", WEIR_STORE_STRING, offsetof(struct state, name) },
	{ "t_small", "", "a byte", WEIR_STORE_U8, offsetof(struct state, small) },
	{ "t_text", "", "chars", WEIR_STORE_CHARS, offsetof(struct state, text) },
};

static int called(struct probe *p, enum hook hook)
{
	return ++p->calls[hook] > p->fails_after && p->error && p->fails_at == hook ? p->error : 0;
}

static int on_open(void **context, const struct weir_plugin_args *args)
{
	const struct probe *p = args->data;

	*context = args->data;
	if (args->sz != sizeof(*args) || !p)
		return -EINVAL;
	if (p->asks)
		*args->packets = p->asks;
	return 0;
}

static void note(struct probe *p, struct state *s, const struct weir_packet *packet,
		 struct weir_flow *flow)
{
	p->shown += packet->segments;
	p->shown_bytes += packet->length;
	s->packets += packet->segments;
	if (p->cut_after && s->packets == p->cut_after)
		flow->expiration_id = -7;
	if (flow->packets[0] + flow->packets[1] != s->packets)
		p->wrong++;
	if (packet->segments == 1 && packet->full_length != packet->length)
		p->wrong++;
}

static int on_init(void *context, void *state, const struct weir_packet *packet,
		   struct weir_flow *flow)
{
	struct state *s = state;
	struct probe *p = context;

	s->name = strdup("a \"name\"");
	p->left++;
	s->negative = -5;
	s->huge = UINT64_MAX;
	s->half = 0.5;
	s->zero = -0.0;
	s->small = 200;
	strcpy(s->text, "chars");
	p->wrong += packet->direction != 0 || packet->delta_ns != 0;
	note(p, s, packet, flow);
	return called(p, ON_INIT);
}

static int on_update(void *context, void *state, const struct weir_packet *packet,
		     struct weir_flow *flow)
{
	struct state *s = state;

	if (!packet) {
		s->merged++;
		return called(context, ON_MERGE);
	}
	note(context, s, packet, flow);
	return called(context, ON_UPDATE);
}

static int on_expire(void *context, void *state, struct weir_flow *flow)
{
	const struct weir_record *r = weir_flow__record(flow);
	struct probe *p = context;
	uint64_t packets = 0;

	(void)state;
	if (weir_record__u64(r, weir_record__id(r, "total_packets"), &packets) ||
	    packets != flow->packets[0] + flow->packets[1])
		p->wrong++;
	return called(p, ON_EXPIRE);
}

static void on_release(void *context, void *state)
{
	struct state *s = state;
	struct probe *p = context;

	p->left--;
	free(s->name);
	called(p, ON_RELEASE);
}

static void cleanup(void *context)
{
	called(context, CLEANUP);
}

static struct weir_plugin plugin(uint32_t packets)
{
	return (struct weir_plugin){
		.abi = WEIR_PLUGIN_ABI,
		.packets = packets,
		.name = "test",
		.version = "1",
		.flow_size = sizeof(struct state),
		.column_count = sizeof(columns) / sizeof(columns[0]),
		.columns = columns,
		.open = on_open,
		.on_init = on_init,
		.on_update = on_update,
		.on_expire = on_expire,
		.on_release = on_release,
		.cleanup = cleanup,
	};
}

static int open_plugin(struct weir_streamer **s, const struct weir_plugin *ops, struct probe *p,
		       const char *const *settings)
{
	const struct weir_plugin *plugins[] = { ops, NULL };
	void *data[] = { p };
	const struct weir_streamer_opts opts = {
		.sz = sizeof(opts),
		.source = DEMO,
		.settings = settings,
		.plugins = plugins,
		.plugin_data = data,
	};

	return weir_streamer__open(s, &opts);
}

struct outcome {
	uint64_t flows, packets, shown, merged, cut, errors;
	int end;
};

static uint64_t number(const struct weir_record *r, const char *name)
{
	uint64_t value = 0;

	assert_int_equal(weir_record__u64(r, weir_record__id(r, name), &value), 0);
	return value;
}

static struct outcome run(const struct weir_plugin *ops, struct probe *p,
			  const char *const *settings)
{
	struct outcome o = { 0 };
	struct weir_streamer *s;
	const struct weir_record *r;
	int64_t id;

	assert_int_equal(open_plugin(&s, ops, p, settings), 0);
	while ((o.end = weir_streamer__next(s, &r, -1)) == 1) {
		o.flows++;
		o.packets += number(r, "total_packets");
		o.shown += number(r, "t_packets");
		o.merged += number(r, "t_merged");
		assert_int_equal(weir_record__i64(r, weir_record__id(r, "expiration_id"), &id), 0);
		o.cut += id == -7;
	}
	o.errors = weir_streamer__counter_by_name(s, "plugin.errors");
	weir_streamer__free(s);
	return o;
}

/* --- what hooks see --------------------------------------------------------------------------- */

static void every_packet(void **state)
{
	struct weir_plugin ops = plugin(WEIR_EVERY_PACKET);
	struct probe p = { 0 };
	struct outcome o = run(&ops, &p, NULL);

	(void)state;
	assert_int_equal(o.end, 0);
	assert_int_equal(o.flows, DEMO_FLOWS);
	assert_int_equal(o.shown, o.packets);
	assert_int_equal(p.shown, o.packets);
	assert_int_equal(p.calls[ON_INIT], DEMO_FLOWS);
	assert_int_equal(p.calls[ON_UPDATE], o.packets - DEMO_FLOWS);
	assert_int_equal(p.calls[ON_MERGE], 0);
	assert_int_equal(p.calls[ON_EXPIRE], DEMO_FLOWS);
	assert_int_equal(p.calls[ON_RELEASE], DEMO_FLOWS);
	assert_int_equal(p.calls[CLEANUP], 1);
	assert_int_equal(p.left, 0);
	assert_int_equal(p.wrong, 0);
}

/* Two of each flow's packets, and its whole numbers at the end; one flow has but one packet. */
static void first_packets(void **state)
{
	static const char *const settings[] = { "no-dissect", NULL };
	struct weir_plugin ops = plugin(2);
	struct probe p = { 0 };
	struct outcome o = run(&ops, &p, settings);

	(void)state;
	assert_int_equal(o.flows, DEMO_FLOWS);
	assert_int_equal(o.shown, 2 * DEMO_FLOWS - 1);
	assert_int_equal(o.merged, DEMO_FLOWS - 7); /* DNS and the lone packet were seen wholly */
	assert_int_equal(p.calls[ON_MERGE], o.merged);
	assert_int_equal(p.wrong, 0);
}

/* What open() asks for stands instead of the table's number. */
static void asked_packets(void **state)
{
	static const char *const settings[] = { "no-dissect", NULL };
	struct weir_plugin ops = plugin(WEIR_EVERY_PACKET);
	struct probe p = { .asks = 2 };
	struct outcome o = run(&ops, &p, settings);

	(void)state;
	assert_int_equal(o.shown, 2 * DEMO_FLOWS - 1);
	assert_int_equal(ops.packets, WEIR_EVERY_PACKET);
	ops = plugin(2);
	p = (struct probe){ .asks = WEIR_EVERY_PACKET };
	o = run(&ops, &p, settings);
	assert_int_equal(o.shown, o.packets);
	assert_int_equal(p.wrong, 0);
}

static void columns_of_plugins(void **state)
{
	static const char *const settings[] = { "fields=t_text,src_port,t_negative", NULL };
	struct weir_plugin ops = plugin(WEIR_EVERY_PACKET);
	struct probe p = { 0 };
	struct weir_streamer *s;
	const struct weir_record *r;
	const char *text;
	double d;
	int64_t i;
	uint64_t u, row[64];
	char line[64];

	(void)state;
	assert_int_equal(open_plugin(&s, &ops, &p, settings), 0);
	assert_int_equal(weir_streamer__column_count(s), 1 + 9);
	assert_int_equal(weir_streamer__column_id(s, "t_text"), 0);
	assert_int_equal(weir_streamer__column_id(s, "t_negative"), 2);
	assert_int_equal(weir_streamer__column_id(s, "t_packets"), 3);
	assert_int_equal(weir_streamer__next(s, &r, -1), 1);
	assert_int_equal(weir_record__text(r, 0, &text), 0);
	assert_string_equal(text, "chars");
	assert_int_equal(weir_record__i64(r, 2, &i), 0);
	assert_int_equal(i, -5);
	assert_int_equal(weir_record__text(r, weir_record__id(r, "t_name"), &text), 0);
	assert_string_equal(text, "a \"name\"");
	assert_int_equal(weir_record__f64(r, weir_record__id(r, "t_half"), &d), 0);
	assert_true(d == 0.5);
	assert_int_equal(number(r, "t_small"), 200);
	assert_true(number(r, "t_huge") == UINT64_MAX);
	assert_true(weir_record__row(r, row, sizeof(row)) > 0);
	assert_true(row[weir_record__id(r, "t_zero")] ==
		    0); /* not WEIR_ABSENT, which is -0.0's bits */
	assert_int_equal(weir_record__i64(r, weir_record__id(r, "t_huge"), &i), -EINVAL);
	assert_int_equal(weir_record__u64(r, 2, &u), -EINVAL); /* t_negative */
	assert_int_equal(weir_record__format(r, 2, line, sizeof(line)), 2);
	assert_string_equal(line, "-5");
	weir_streamer__free(s);
	assert_int_equal(p.left, 0); /* flows that never ended, too */
	assert_int_equal(p.calls[ON_RELEASE], p.calls[ON_INIT]);
}

/* A negative expiration_id ends the flow with that packet; the next one begins another. */
static void cut(void **state)
{
	struct weir_plugin ops = plugin(WEIR_EVERY_PACKET);
	struct probe whole = { 0 }, p = { .cut_after = 1 };
	uint64_t packets = run(&ops, &whole, NULL).packets;
	struct outcome o = run(&ops, &p, NULL);

	(void)state;
	assert_int_equal(o.flows, packets);
	assert_int_equal(o.cut, packets);
	assert_int_equal(p.calls[ON_INIT], packets);
	assert_int_equal(p.calls[ON_UPDATE], 0);
	assert_int_equal(p.wrong, 0); /* whoever sends the next packet is the next flow's source */
	assert_int_equal(p.left, 0);

	p = (struct probe){ .cut_after = 2 };
	o = run(&ops, &p, NULL);
	assert_int_equal(o.packets, packets);
	assert_int_equal(o.shown, packets);
	assert_int_equal(o.cut, p.calls[ON_UPDATE]);
}

static void active_cut(void **state)
{
	static const char *const settings[] = { "active-timeout=0", NULL };
	struct weir_plugin ops = plugin(WEIR_EVERY_PACKET);
	struct probe p = { 0 };
	struct outcome o = run(&ops, &p, settings);

	(void)state;
	assert_int_equal(o.flows, o.packets);
	assert_int_equal(p.calls[ON_INIT], o.packets);
	assert_int_equal(p.calls[ON_EXPIRE], o.packets);
	assert_int_equal(p.left, 0);
}

/* --- plugins that fail ------------------------------------------------------------------------ */

static void failing(void **state)
{
	(void)state;
	for (enum hook hook = ON_INIT; hook <= ON_EXPIRE; hook++) {
		static const char *const settings[] = { "no-dissect", NULL };
		struct weir_plugin ops = plugin(2);

		for (uint64_t after = 0; after < 3; after++) {
			struct probe p = { .fails_at = hook, .error = -EIO, .fails_after = after };
			struct outcome o = run(&ops, &p, settings);

			assert_int_equal(o.end, 0);
			assert_int_equal(o.flows, DEMO_FLOWS);
			assert_int_equal(o.errors, 1);
			assert_int_equal(p.calls[hook], after + 1);
			assert_int_equal(p.left, 0);
			assert_int_equal(p.calls[CLEANUP], 1);
			assert_non_null(strstr(weir_last_error(), "plugin test: on_"));
			assert_non_null(strstr(weir_last_error(), "Input/output error"));
		}
	}
}

/* The run ends with an error; what was metered is accounted for. */
static void strict(void **state)
{
	static const char *const settings[] = { "plugin-strict", NULL };
	struct weir_plugin ops = plugin(WEIR_EVERY_PACKET);
	struct probe p = { .fails_at = ON_UPDATE, .error = -EIO, .fails_after = 20 };
	struct weir_streamer *s;
	const struct weir_record *r;
	uint64_t packets = 0;
	int n;

	(void)state;
	assert_int_equal(open_plugin(&s, &ops, &p, settings), 0);
	while ((n = weir_streamer__next(s, &r, -1)) == 1)
		packets += number(r, "total_packets");
	assert_int_equal(n, -ECANCELED);
	assert_int_equal(weir_streamer__counter_by_name(s, "metered"),
			 packets + weir_streamer__counter_by_name(s, "unexported"));
	assert_int_equal(weir_streamer__next(s, &r, -1), 0);
	weir_streamer__free(s);
	assert_int_equal(p.left, 0);
}

static int refuse(void **context, const struct weir_plugin_args *args)
{
	(void)context;
	snprintf(args->why, args->why_size, "the moon is full");
	return -EAGAIN;
}

static void refused(const struct weir_plugin *ops, const char *words)
{
	struct probe p = { 0 };
	struct weir_streamer *s;

	assert_int_equal(open_plugin(&s, ops, &p, NULL), -EINVAL);
	assert_null(s);
	if (!strstr(weir_last_error(), words))
		fail_msg("%s", weir_last_error());
	assert_int_equal(p.calls[CLEANUP], 0);
}

static void malformed(void **state)
{
	static const struct weir_plugin_column bad[][1] = {
		{ { "src_ip", "", "", WEIR_STORE_U8, 0 } },
		{ { "1st", "", "", WEIR_STORE_U8, 0 } },
		{ { "a b", "", "", WEIR_STORE_U8, 0 } },
		{ { NULL, "", "", WEIR_STORE_U8, 0 } },
		{ { "a", NULL, "", WEIR_STORE_U8, 0 } },
		{ { "a", "", "", WEIR_STORE_U32, 2 } },
		{ { "a", "", "", WEIR_STORE_U64, sizeof(struct state) } },
		{ { "a", "", "", 0, 0 } },
	};
	struct weir_plugin ops = plugin(1);

	(void)state;
	ops.abi++;
	refused(&ops, "is built for plugin ABI 2, and this weir has 1");
	ops = plugin(1);
	ops.name = "";
	refused(&ops, "has no name");
	ops = plugin(1);
	ops.flow_size = UINT32_MAX;
	refused(&ops, "more than 1 MiB");
	ops = plugin(1);
	ops.columns = NULL;
	refused(&ops, "broken table of columns");
	ops = plugin(1);
	ops.open = refuse;
	refused(&ops, "plugin test: the moon is full");
	for (size_t i = 1; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ops = plugin(1);
		ops.columns = bad[i];
		ops.column_count = 1;
		refused(&ops, "column 0");
	}
}

/* The names of columns are one vocabulary. */
static void clash(void **state)
{
	static const struct weir_plugin_column taken[] = { { "src_ip", "", "", WEIR_STORE_U8, 0 } };
	struct weir_plugin ops = plugin(1), twin = plugin(1);
	const struct weir_plugin *plugins[] = { &ops, &twin, NULL };
	struct probe p = { 0 };
	void *data[] = { &p, &p };
	const struct weir_streamer_opts opts = {
		.sz = sizeof(opts),
		.source = DEMO,
		.plugins = plugins,
		.plugin_data = data,
	};
	struct weir_streamer *s;

	(void)state;
	assert_int_equal(weir_streamer__open(&s, &opts), -EINVAL);
	assert_non_null(strstr(weir_last_error(), "there is a column \"t_packets\" already"));
	assert_int_equal(p.calls[CLEANUP], 2);
	ops.columns = taken;
	ops.column_count = 1;
	assert_int_equal(weir_streamer__open(&s, &opts), -EINVAL);
	assert_non_null(strstr(weir_last_error(), "there is a column \"src_ip\" already"));
}

static int in_order(void *context, void *state, const struct weir_packet *packet,
		    struct weir_flow *flow)
{
	struct probe *p = context;

	(void)state;
	(void)packet;
	p->wrong += flow->expiration_id != -7; /* the one before has said so */
	return called(p, ON_INIT);
}

static void run_in_order(void **state)
{
	struct weir_plugin first = plugin(WEIR_EVERY_PACKET), second = plugin(1);
	const struct weir_plugin *plugins[] = { &first, &second, NULL };
	struct probe p = { .cut_after = 1 }, q = { 0 };
	void *data[] = { &p, &q };
	const struct weir_streamer_opts opts = {
		.sz = sizeof(opts),
		.source = DEMO,
		.plugins = plugins,
		.plugin_data = data,
	};
	struct weir_streamer *s;
	const struct weir_record *r;

	(void)state;
	second = (struct weir_plugin){
		.abi = WEIR_PLUGIN_ABI, .name = "second", .open = on_open, .on_init = in_order
	};
	assert_int_equal(weir_streamer__open(&s, &opts), 0);
	while (weir_streamer__next(s, &r, -1) == 1)
		;
	weir_streamer__free(s);
	assert_int_equal(q.calls[ON_INIT], p.shown);
	assert_int_equal(q.wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet),  cmocka_unit_test(first_packets),
		cmocka_unit_test(asked_packets), cmocka_unit_test(columns_of_plugins),
		cmocka_unit_test(cut),           cmocka_unit_test(active_cut),
		cmocka_unit_test(failing),       cmocka_unit_test(strict),
		cmocka_unit_test(malformed),     cmocka_unit_test(clash),
		cmocka_unit_test(run_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
