/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared meter on packets as hostile as they come: parser, key, fragment table, accounting.
 * Input: 4 bytes of settings (take_settings), then packets, each with a header of 6 bytes
 * (take_packet). What is checked holds for every packet and, at the end, for every flow.
 */
#include <stdbool.h>

#include "meter/fragment.h"
#include "meter/key.h"
#include "meter/meter.h"
#include "meter/plain.h"
#include "meter/segments.h"
#include "support.h"

#define FLOWS       8
#define ALL_TUNNELS ((1u << TUNNEL_TYPES) - 1)
#define MAX_PACKETS 128

typedef unsigned __int128 u128;

struct flow {
	bool used;
	struct flow_key key;
	struct flow_counters counters;
	struct flow_stats stats;
	struct flow_tcp tcp;
};

struct setting {
	enum parse_status entry;
	struct meter_config meter;
	bool super_packets, long_frames;
};

struct totals {
	uint64_t packets, bytes;
};

static struct fragment_slot fragments[FRAGMENT_SLOTS];
static uint32_t touched[MAX_PACKETS]; /* fragment slots to clear for the next input */
static size_t touched_count;
static struct flow flows[FLOWS];
static struct totals metered, ended;

static struct setting take_settings(struct input *in)
{
	static const uint64_t limits[] = { 0, 1000000, 1000000000, 30000000000 };
	uint8_t mode = input_u8(in), tunnels = input_u8(in), times = input_u8(in);
	uint8_t sizes = input_u8(in);

	return (struct setting){
		.entry = PARSE_LINK + (mode & 3) % 3,
		.meter = {
			.idle_ns = limits[times & 3],
			.active_ns = limits[times >> 2 & 3] * 10,
			.tunnels = mode & 0x80 ? tunnels << 1 : ALL_TUNNELS,
			.accounting = mode >> 2 & 3,
			.stats = mode >> 4 & 1,
			.tcp = mode >> 5 & 1,
			.tcp_end = mode >> 6 & 1,
		},
		.super_packets = sizes & 1,
		.long_frames = sizes & 2,
	};
}

/* An IP header that was captured whole, and offsets in the order of the headers. */
static void check_offsets(const struct window *w, const struct packet *p)
{
	uint32_t header = p->key.ip_version == 4 ? 20 : 40;

	require(p->key.ip_version == 4 || p->key.ip_version == 6);
	require(p->ip_offset + header <= w->len);
	require(w->bytes[p->ip_offset] >> 4 == p->key.ip_version);
	require(p->l4_offset >= p->ip_offset + header);
	require(p->payload_offset >= p->l4_offset);
	require(p->l4_offset <= METER_WINDOW + 8 * 256); /* at most one extension ends outside */
}

static void check_sizes(const struct packet *p, uint32_t frame_len)
{
	uint32_t ip = p->size[ACCOUNT_IP], transport = p->size[ACCOUNT_TRANSPORT];
	uint32_t payload = p->size[ACCOUNT_PAYLOAD], header = p->payload_offset - p->l4_offset;
	bool icmp = p->key.protocol == PROTO_ICMP || p->key.protocol == PROTO_ICMPV6;

	require(p->size[ACCOUNT_LINK] == frame_len);
	require(ip == transport + p->l4_offset - p->ip_offset);
	require(payload <= transport);
	if (p->has_l4 || (icmp && payload)) /* of a cut ICMP header the length is known */
		require(payload == transport - header);
	else
		/* A later fragment's; it may be inside the first one of another datagram. */
		require(!payload || (payload == transport && p->fragment));
}

static void check_facts(const struct packet *p, uint32_t tunnels)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool has_id = p->key.tunnel == TUNNEL_VXLAN || p->key.tunnel == TUNNEL_GENEVE;

	require(p->key.tunnel < TUNNEL_TYPES && p->key.vlan_id < 4096);
	require(!p->key.tunnel || tunnels & 1u << p->key.tunnel);
	require(p->key.tunnel == TUNNEL_GRE || p->key.tunnel_id < (has_id ? 1u << 24 : 1));
	require(!p->key.interface && !p->key.zero);
	require(p->fragment <= FRAGMENT_LATER && p->has_l4 <= 1 && p->segments == 1);
	require(!(p->fragment & FRAGMENT_LATER) || !p->has_l4);
	require(!p->tcp_flags || p->key.protocol == PROTO_TCP);
	if (p->key.ip_version == 4)
		for (int end = 0; end < 2; end++)
			require(!memcmp(p->key.addr[end], mapped, sizeof(mapped)));
}

/* Both directions have one key; they differ in dir unless a host talks to itself. */
static void check_canonical(const struct packet *sent)
{
	struct packet there = *sent, back = *sent;

	memcpy(back.key.addr[0], sent->key.addr[1], 16);
	memcpy(back.key.addr[1], sent->key.addr[0], 16);
	back.key.port[0] = sent->key.port[1];
	back.key.port[1] = sent->key.port[0];
	key_canonicalize(&there);
	key_canonicalize(&back);
	require(key_equal(&there.key, &back.key));
	require(!memcmp(&there.key, &back.key, sizeof(there.key)));
	require(key_compare_endpoints(&there.key) <= 0);
	require(there.dir <= 1 && back.dir <= 1);
	require((there.dir == back.dir) == !key_compare_endpoints(&there.key));
}

static void resolve_fragment(struct packet *p)
{
	uint32_t number = fragment_slot_of(p);
	struct fragment_slot *slot = &fragments[number];
	struct packet again;

	require(number < FRAGMENT_SLOTS);
	touched[touched_count++] = number;
	fragment_resolve(slot, p);
	require(key_compare_endpoints(&p->key) <= 0 && p->dir <= 1);
	if (p->fragment != FRAGMENT_FIRST)
		return;
	again = *p;
	again.fragment = FRAGMENT_LATER;
	memset(&again.key, 0, sizeof(again.key));
	fragment_resolve(slot, &again);
	require(key_equal(&again.key, &p->key) && again.dir == p->dir);
}

/* Sum of squares of n values between min and max: features.c relies on every line. */
static void check_moments(uint64_t n, uint64_t sum, struct sum128 squares, uint64_t min,
			  uint64_t max)
{
	u128 wide = (u128)squares.hi << 64 | squares.lo;

	if (!n)
		return;
	require(min <= max);
	require((u128)min * n <= sum && (u128)max * n >= sum);
	require(wide >= (u128)sum * sum / n);
	require(wide <= (u128)max * sum);
}

static void check_gaps(const struct flow_gaps *g, uint64_t packets, uint64_t duration_ns)
{
	check_moments(packets ? packets - 1 : 0, duration_ns, g->squares, ~g->inv_min_ns,
		      g->max_ns);
}

static void check_dir(const struct flow *f, int dir, const struct meter_config *cfg)
{
	const struct flow_dir *d = &f->counters.dir[dir];
	const struct flow_dir_stats *s = &f->stats.dir[dir];
	const struct flow_tcp_dir *t = &f->tcp.dir[dir];

	require(d->first_ns <= d->last_ns);
	require(!d->packets || 255 - d->ttl_inv_min <= d->ttl_max);
	require((uint64_t)t->retransmitted + t->out_of_order <= d->packets);
	require(t->zero_window <= d->packets);
	if (!cfg->stats)
		return;
	check_moments(d->packets, d->bytes, s->size_squares, (uint32_t)~s->inv_min_size,
		      s->max_size);
	check_gaps(&s->gaps, d->packets, d->last_ns - d->first_ns);
	for (int bit = 0; bit < TCP_FLAG_BITS; bit++) {
		require(*meter_flag_count(&f->stats, dir, bit) <= d->packets);
		require(!*meter_flag_count(&f->stats, dir, bit) == !(d->tcp_flags & 1 << bit));
	}
}

static void flow_end(struct flow *f, const struct meter_config *cfg)
{
	const struct flow_dir *d = f->counters.dir;
	uint64_t packets = d[0].packets + d[1].packets;

	for (int dir = 0; dir < 2; dir++)
		check_dir(f, dir, cfg);
	require(packets && meter_first_ns(&f->counters) <= meter_last_ns(&f->counters));
	if (cfg->stats)
		check_gaps(&f->stats.gaps, packets,
			   meter_last_ns(&f->counters) - meter_first_ns(&f->counters));
	ended.packets += packets;
	ended.bytes += d[0].bytes + d[1].bytes;
	memset(f, 0, sizeof(*f));
}

/* The flow of p, perhaps a new one in the place of another. */
static struct flow *flow_of(const struct packet *p, const struct meter_config *cfg)
{
	struct flow *f = NULL;

	for (int i = 0; i < FLOWS; i++)
		if (flows[i].used && key_equal(&flows[i].key, &p->key))
			return &flows[i];
	for (int i = 0; i < FLOWS && !f; i++)
		if (!flows[i].used)
			f = &flows[i];
	if (!f)
		f = &flows[p->key.port[0] % FLOWS];
	if (f->used)
		flow_end(f, cfg);
	f->used = true;
	f->key = p->key;
	meter_open(&f->counters, p);
	return f;
}

/* A late packet ends nothing by time, whatever the limits. */
static void check_reason(const struct flow_counters *c, const struct packet *p,
			 const struct meter_config *cfg, enum flow_end_reason reason)
{
	if (p->time_ns <= meter_last_ns(c) && cfg->idle_ns && cfg->active_ns)
		require(reason == FLOW_END_NONE || reason == FLOW_END_DETECTED);
	require(cfg->tcp_end || reason != FLOW_END_DETECTED);
	require(cfg->idle_ns || reason != FLOW_END_NONE);
}

static void meter(struct packet *p, const struct meter_config *cfg)
{
	struct flow *f = flow_of(p, cfg);
	enum flow_end_reason reason;

	if (f->counters.dir[0].packets || f->counters.dir[1].packets) {
		reason = meter_expired(&f->counters, p, cfg);
		check_reason(&f->counters, p, cfg, reason);
		if (reason) {
			flow_end(f, cfg);
			f = flow_of(p, cfg);
		}
	}
	meter_update(&f->counters, cfg->stats ? &f->stats : NULL, cfg->tcp ? &f->tcp : NULL, p,
		     cfg);
	require(f->counters.dir[p->dir].last_ns >= p->time_ns);
	metered.packets += p->segments;
	metered.bytes += (uint64_t)p->size[cfg->accounting] * p->segments;
	if (p->size[cfg->accounting])
		metered.bytes += (uint64_t)p->segment_extra * (p->segments - 1);
}

/* Steps of 2^n ns, n up to 63, forth or back, and never past the ends of time. */
static uint64_t step_time(uint64_t now, uint8_t code)
{
	uint64_t step = code & 0x80 ? 0 : 1ull << (code & 0x3f);

	if (code & 0x40)
		return step < now ? now - step : 0;
	return step < UINT64_MAX - now ? now + step : UINT64_MAX;
}

/* What is read in place comes out as by the steps. */
static void check_plain(const struct window *w, const struct parser *ps, enum parse_status first,
			enum parse_status status)
{
	struct plain_frame frame = { w->bytes, w->bytes + w->len, ps->wire_len };
	struct packet p;

	if (first == PARSE_TYPE || !plain_parse(&frame, &p, first))
		return;
	require(status == PARSE_DONE && !memcmp(&p, &ps->pkt, sizeof(p)));
}

static void parse(const struct window *w, struct parser *ps, const struct setting *s,
		  uint32_t frame_len, uint16_t type)
{
	enum parse_status status;

	parser_init(ps, frame_len, s->meter.tunnels);
	ps->type = type;
	status = parse_packet(w, ps, s->entry);
	check_plain(w, ps, s->entry, status);
	require(status == PARSE_DONE || (status >= PARSE_REFUSED && status < PARSE_STATUSES));
	require(!ps->have_ip == !!status && ps->levels <= PARSE_MAX_TUNNELS);
	if (status)
		return;
	check_offsets(w, &ps->pkt);
	check_sizes(&ps->pkt, frame_len);
	check_facts(&ps->pkt, s->meter.tunnels);
	check_canonical(&ps->pkt);
}

/* No segment is longer than the whole, and together they are that and repeated headers. */
static void segment(struct packet *p, uint32_t gso_size, uint32_t gso_segs)
{
	uint32_t whole = p->size[ACCOUNT_LINK], header_len = gso_segs & 1 ? p->payload_offset : 0;

	meter_segment(p, header_len, gso_size, gso_segs / 2);
	require(p->segments >= 1 && p->segments <= SEGMENTS_MAX);
	require(p->segments > 1 || (!p->segment_extra && p->size[ACCOUNT_LINK] == whole));
	require((uint64_t)p->size[ACCOUNT_LINK] + p->segment_extra <= whole);
	if (header_len && p->segments > 1 && gso_size != SEGMENTS_BY_LIST)
		require(meter_bytes(p, p->size[ACCOUNT_LINK]) ==
			whole + (uint64_t)header_len * (p->segments - 1));
}

/* 16 bits captured length, 16 of the frame's surplus, a step in time, segments. */
static void take_packet(struct input *in, const struct setting *s, uint64_t *now)
{
	uint16_t captured = input_u16(in) % 512, surplus = input_u16(in);
	uint8_t step = input_u8(in), segments = input_u8(in);
	uint16_t type = s->entry == PARSE_TYPE ? input_u16(in) : 0;
	uint32_t frame_len;
	struct window w;
	struct parser ps;
	size_t length;
	uint8_t *bytes =
		input_block(in, captured < METER_WINDOW ? captured : METER_WINDOW, &length);

	w = (struct window){ .bytes = bytes, .len = length };
	frame_len = s->long_frames ? (uint32_t)surplus << 16 | length : surplus + length;
	*now = step_time(*now, step);
	parse(&w, &ps, s, frame_len, type);
	if (ps.have_ip) {
		ps.pkt.time_ns = *now;
		if (s->super_packets)
			segment(&ps.pkt, surplus, segments);
		key_canonicalize(&ps.pkt);
		if (ps.pkt.fragment)
			resolve_fragment(&ps.pkt);
		meter(&ps.pkt, &s->meter);
	}
	free(bytes);
}

static void reset(void)
{
	while (touched_count)
		memset(&fragments[touched[--touched_count]], 0, sizeof(fragments[0]));
	memset(flows, 0, sizeof(flows));
	metered = ended = (struct totals){ 0 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct setting s = take_settings(&in);
	uint64_t now = 1000000000000000000; /* a time of today; steps reach both ends */

	reset();
	for (int i = 0; i < MAX_PACKETS && in.left; i++)
		take_packet(&in, &s, &now);
	for (int i = 0; i < FLOWS; i++)
		if (flows[i].used)
			flow_end(&flows[i], &s.meter);
	require(metered.packets == ended.packets && metered.bytes == ended.bytes);
	return 0;
}
