/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives the hooks of a plugin with hand-made packets, as the library does: state is moved between
 * two hooks, packets lie in blocks of their exact size, and both are gone after the call.
 */
#ifndef TESTS_UNIT_PLUGIN_RIG_H
#define TESTS_UNIT_PLUGIN_RIG_H

#include <errno.h>
#include <stdio.h>

#include "frames.h"
#include "weir/plugin.h"

struct rig {
	const struct weir_plugin *ops;
	void *context;
	uint32_t packets; /* that it asks for */
	/* The flow at hand. */
	void *state;
	struct weir_flow flow;
	struct weir_packet last;
};

#define RIG_OPTIONS 8

/* options: "key=value,key". */
static inline int rig_try(struct rig *r, const struct weir_plugin *ops, const char *options,
			  char *why, size_t why_size)
{
	struct weir_plugin_option list[RIG_OPTIONS];
	struct weir_plugin_args args = { .sz = sizeof(args), .options = list };
	char *copy = strdup(options), *rest = *copy ? copy : NULL, *word;
	int err;

	*r = (struct rig){ .ops = ops, .packets = ops->packets };
	why[0] = '\0';
	args.why = why;
	args.why_size = why_size;
	args.packets = &r->packets;
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		assert_in_range(args.count, 0, RIG_OPTIONS - 1);
		if (value)
			*value++ = '\0';
		list[args.count++] = (struct weir_plugin_option){ word, value ? value : "" };
	}
	err = ops->open(&r->context, &args);
	free(copy);
	return err;
}

static inline void rig_open(struct rig *r, const struct weir_plugin *ops, const char *options)
{
	char why[256];

	assert_int_equal(ops->abi, WEIR_PLUGIN_ABI);
	assert_int_equal(rig_try(r, ops, options, why, sizeof(why)), 0);
	assert_string_equal(why, "");
}

static inline void rig_refused(const struct weir_plugin *ops, const char *options,
			       const char *words)
{
	struct rig r;
	char why[256];

	assert_int_equal(rig_try(&r, ops, options, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, words);
}

static inline void rig_close(struct rig *r)
{
	assert_null(r->state);
	r->ops->cleanup(r->context);
}

/* --- packets ---------------------------------------------------------------------------------- */

struct rig_packet {
	uint8_t protocol; /* 0 = UDP */
	uint8_t direction;
	uint16_t src_port, dst_port; /* of the sender */
	uint64_t time_ns;
	const void *payload;
	uint32_t length;  /* of payload */
	uint32_t padding; /* of the link, behind the IP packet */
	uint32_t cut;     /* bytes at the end that were not captured */
	uint32_t segments, segment_extra;
	bool no_address; /* from 0.0.0.0 */
	bool no_bytes;
};

static inline void rig_address(uint8_t to[16], uint32_t value)
{
	const uint8_t bytes[] = { 0xff, 0xff, value >> 24, value >> 16, value >> 8, value };

	memset(to, 0, 10);
	memcpy(to + 10, bytes, sizeof(bytes));
}

static inline struct weir_packet rig_view(const struct rig_packet *p, const struct raw *f,
					  uint32_t headers)
{
	struct weir_packet view = {
		.time_ns = p->time_ns,
		.length = f->len + 14,
		.full_length = f->len + 14 + (p->segments > 1 ? p->segment_extra : 0),
		.ip_length = f->len,
		.transport_length = f->len - 20,
		.payload_length = f->len - headers,
		.segments = p->segments ? p->segments : 1,
		.src_port = p->src_port,
		.dst_port = p->dst_port,
		.protocol = p->protocol ? p->protocol : PROTO_UDP,
		.version = 4,
		.direction = p->direction,
	};

	rig_address(view.src_ip, p->no_address ? 0 : 0x0a000001 + p->direction);
	rig_address(view.dst_ip, 0x0a000001 + !p->direction);
	return view;
}

static inline int rig_show(struct rig *r, const struct weir_packet *packet)
{
	struct weir_flow *flow = &r->flow;
	void *moved = malloc(r->ops->flow_size + !r->ops->flow_size);
	bool first = !r->state;

	if (first)
		r->state = calloc(1, r->ops->flow_size + !r->ops->flow_size);
	assert_true(moved && r->state);
	memcpy(moved, r->state, r->ops->flow_size);
	free(r->state);
	r->state = moved;
	if (packet) {
		flow->packets[packet->direction] += packet->segments;
		flow->bytes[packet->direction] += packet->length;
		flow->last_ns = packet->time_ns;
		flow->protocol = packet->protocol;
		if (first)
			flow->first_ns = packet->time_ns;
	}
	return (first ? r->ops->on_init : r->ops->on_update)(r->context, r->state, packet, flow);
}

/* What the hook returns. */
static inline int rig_packet(struct rig *r, const struct rig_packet *p)
{
	bool tcp = p->protocol == PROTO_TCP;
	struct weir_packet view;
	struct raw f = { 0 };
	uint8_t *bytes;
	uint32_t full;
	int err;

	raw_ipv4(&f, 0, p->protocol ? p->protocol : PROTO_UDP);
	if (tcp)
		raw_tcp(&f, p->src_port, p->dst_port, TCP_FLAG_ACK, 0);
	else
		raw_udp(&f, p->src_port, p->dst_port);
	full = p->segments > 1 ? (p->segments - 1) * (p->length + p->segment_extra) : 0;
	assert_in_range(p->length + full, 0, RAW_ROOM - f.len - p->padding);
	if (p->payload)
		memcpy(f.at + f.len, p->payload, p->length);
	f.len += p->length;
	raw_seal(&f);
	view = rig_view(p, &f, tcp ? 40 : 28);
	if (r->state && p->time_ns > r->last.time_ns)
		view.delta_ns = p->time_ns - r->last.time_ns;
	view.capture_length = f.len + full + p->padding - p->cut;
	bytes = malloc(view.capture_length + !view.capture_length);
	assert_non_null(bytes);
	memcpy(bytes, f.at, view.capture_length);
	if (p->no_bytes)
		view.capture_length = 0;
	view.raw = p->no_bytes ? NULL : bytes;
	err = rig_show(r, &view);
	r->last = view;
	free(bytes);
	return err;
}

/* The columns can be read until rig_release(). */
static inline int rig_expire(struct rig *r)
{
	return r->ops->on_expire ? r->ops->on_expire(r->context, r->state, &r->flow) : 0;
}

/* The next packet is another flow's. */
static inline void rig_release(struct rig *r)
{
	if (r->ops->on_release)
		r->ops->on_release(r->context, r->state);
	free(r->state);
	r->state = NULL;
	r->flow = (struct weir_flow){ .flow_id = r->flow.flow_id + 1 };
}

/* --- columns ---------------------------------------------------------------------------------- */

static inline const void *rig_column(const struct rig *r, const char *name,
				     enum weir_storage storage)
{
	for (uint32_t i = 0; i < r->ops->column_count; i++) {
		if (strcmp(r->ops->columns[i].name, name))
			continue;
		assert_int_equal(r->ops->columns[i].storage, storage);
		return (const char *)r->state + r->ops->columns[i].offset;
	}
	fail_msg("no column %s", name);
	return NULL;
}

/* WEIR_STORE_STRING; "" for NULL. */
static inline const char *rig_string(const struct rig *r, const char *name)
{
	const char *text = *(const char *const *)rig_column(r, name, WEIR_STORE_STRING);

	return text ? text : "";
}

static inline const char *rig_chars(const struct rig *r, const char *name)
{
	return rig_column(r, name, WEIR_STORE_CHARS);
}

static inline uint64_t rig_u64(const struct rig *r, const char *name)
{
	return *(const uint64_t *)rig_column(r, name, WEIR_STORE_U64);
}

#endif
