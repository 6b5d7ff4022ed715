/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integers -> the numbers of a record: means, deviations, durations, rates, once, when the flow
 * has ended. NFStream keeps running doubles; these are the same quantities from exact sums.
 */
#include <math.h>
#include <string.h>

#include "community_id.h"
#include "meter/meter.h"
#include "record.h"

#define NS_PER_MS 1000000.0

/* A sum of n values, their squares' sum: everything that mean and deviation need. */
struct moments {
	uint64_t n;
	uint64_t sum;
	unsigned __int128 squares;
};

static unsigned __int128 wide(struct sum128 s)
{
	return (unsigned __int128)s.hi << 64 | s.lo;
}

static double moments_mean(const struct moments *m)
{
	return m->n ? (double)m->sum / (double)m->n : 0;
}

/*
 * sqrt((squares - sum^2 / n) / (n - 1)), in integers as far as they reach: the subtraction of two
 * near numbers is where floating point would lose everything.
 */
static double moments_stddev(const struct moments *m)
{
	unsigned __int128 sum_squared, rest;
	long double variance;

	if (m->n < 2)
		return 0;
	sum_squared = (unsigned __int128)m->sum * m->sum;
	/* By Cauchy and Schwarz never negative, unless two CPUs' gaps are approximate. */
	if (m->squares < sum_squared / m->n)
		return 0;
	rest = m->squares - sum_squared / m->n;
	variance = (long double)rest - (long double)(sum_squared % m->n) / m->n;
	return variance > 0 ? (double)sqrtl(variance / (m->n - 1)) : 0;
}

static void fill_sizes(struct record_side_values *v, const struct moments *sizes, uint32_t inv_min,
		       uint32_t max)
{
	v->mean_ps = moments_mean(sizes);
	v->stddev_ps = moments_stddev(sizes);
	v->min_ps = sizes->n ? ~inv_min : 0;
	v->max_ps = max;
}

static void fill_gaps(struct record_side_values *v, const struct flow_gaps *gaps)
{
	struct moments m = {
		.n = v->packets > 1 ? v->packets - 1 : 0,
		.sum = v->duration_ns,
		.squares = wide(gaps->squares),
	};

	if (!m.n)
		return;
	v->mean_piat_ms = moments_mean(&m) / NS_PER_MS;
	v->stddev_piat_ms = moments_stddev(&m) / NS_PER_MS;
	v->min_piat_ns = ~gaps->inv_min_ns;
	v->max_piat_ns = gaps->max_ns;
}

static void fill_dir(struct record_side_values *v, const struct flow_dir *d)
{
	v->packets = d->packets;
	v->bytes = d->bytes;
	if (!d->packets)
		return;
	v->first_ns = d->first_ns;
	v->last_ns = d->last_ns;
	v->duration_ns = d->last_ns - d->first_ns;
	v->tcp_flags = d->tcp_flags;
	v->min_ttl = 255 - d->ttl_inv_min;
	v->max_ttl = d->ttl_max;
	v->tos = d->tos;
	v->dscp = d->tos >> 2;
}

static void fill_both(struct flow_record *r, const struct flow_counters *c)
{
	struct record_side_values *v = &r->side[SIDE_BOTH];
	const struct record_side_values *src = &r->side[SIDE_SRC2DST],
					*dst = &r->side[SIDE_DST2SRC];

	v->packets = src->packets + dst->packets;
	v->bytes = src->bytes + dst->bytes;
	v->first_ns = meter_first_ns(c);
	v->last_ns = meter_last_ns(c);
	v->duration_ns = v->last_ns - v->first_ns;
	v->tcp_flags = src->tcp_flags | dst->tcp_flags;
}

static void fill_dir_stats(struct record_side_values *v, const struct flow_stats *stats,
			   uint8_t dir)
{
	const struct flow_dir_stats *s = &stats->dir[dir];
	struct moments sizes = { v->packets, v->bytes, wide(s->size_squares) };

	fill_sizes(v, &sizes, s->inv_min_size, s->max_size);
	fill_gaps(v, &s->gaps);
	for (int bit = 0; bit < TCP_FLAG_BITS; bit++)
		v->flags[bit] = *meter_flag_count(stats, dir, bit);
}

static void fill_stats(struct flow_record *r, const struct flow_stats *s, uint8_t src)
{
	struct record_side_values *v = &r->side[SIDE_BOTH];
	const struct flow_dir_stats *a = &s->dir[src], *b = &s->dir[!src];
	struct moments sizes = { v->packets, v->bytes,
				 wide(a->size_squares) + wide(b->size_squares) };

	fill_dir_stats(&r->side[SIDE_SRC2DST], s, src);
	fill_dir_stats(&r->side[SIDE_DST2SRC], s, !src);
	fill_sizes(v, &sizes, a->inv_min_size > b->inv_min_size ? a->inv_min_size : b->inv_min_size,
		   a->max_size > b->max_size ? a->max_size : b->max_size);
	fill_gaps(v, &s->gaps);
	for (int bit = 0; bit < TCP_FLAG_BITS; bit++)
		v->flags[bit] = r->side[SIDE_SRC2DST].flags[bit] + r->side[SIDE_DST2SRC].flags[bit];
}

static void fill_tcp(struct flow_record *r, const struct flow_tcp *t, uint8_t src)
{
	for (int side = SIDE_SRC2DST; side <= SIDE_DST2SRC; side++) {
		const struct flow_tcp_dir *d = &t->dir[side == SIDE_SRC2DST ? src : !src];
		struct record_side_values *v = &r->side[side];

		v->retransmitted = d->retransmitted;
		v->out_of_order = d->out_of_order;
		v->zero_window = d->zero_window;
		r->side[SIDE_BOTH].retransmitted += d->retransmitted;
		r->side[SIDE_BOTH].out_of_order += d->out_of_order;
		r->side[SIDE_BOTH].zero_window += d->zero_window;
	}
}

static void fill_rates(struct record_side_values *v)
{
	double seconds = v->duration_ns / 1e9;

	if (!v->duration_ns)
		return;
	v->packet_rate = v->packets / seconds;
	v->byte_rate = v->bytes / seconds;
}

static uint64_t address_sum(const uint8_t a[16], bool ipv4)
{
	uint64_t sum = 0;

	for (int i = ipv4 ? 12 : 8; i < 16; i++)
		sum = sum << 8 | a[i];
	return sum;
}

static void fill_key(struct flow_record *r, const struct flow_key *k, uint8_t src)
{
	memcpy(r->src_addr, k->addr[src], 16);
	memcpy(r->dst_addr, k->addr[!src], 16);
	r->src_port = meter_be16(k->port[src]);
	r->dst_port = meter_be16(k->port[!src]);
	r->vlan_id = k->vlan_id;
	r->protocol = k->protocol;
	r->ip_version = k->ip_version;
	r->tunnel = k->tunnel;
	r->tunnel_key = k->tunnel_id;
}

uint64_t nfhash_of_key(const struct flow_key *key)
{
	bool ipv4 = key->ip_version == 4;

	return address_sum(key->addr[0], ipv4) + address_sum(key->addr[1], ipv4) +
	       meter_be16(key->port[0]) + meter_be16(key->port[1]) + key->protocol + key->vlan_id;
}

/* The same of what a record shows, which may be other addresses than the flow's. */
static uint64_t nfhash(const struct flow_record *r)
{
	bool ipv4 = r->ip_version == 4;

	return address_sum(r->src_addr, ipv4) + address_sum(r->dst_addr, ipv4) + r->src_port +
	       r->dst_port + r->protocol + r->vlan_id;
}

void record_shift(struct flow_record *r, uint64_t offset_ns)
{
	for (int side = 0; side < SIDES; side++) {
		if (!r->side[side].packets)
			continue;
		r->side[side].first_ns += offset_ns;
		r->side[side].last_ns += offset_ns;
	}
}

static void fill_first_packets(struct flow_record *r, const struct flow *f)
{
	memcpy(r->src_mac, f->mac[0], 6);
	memcpy(r->dst_mac, f->mac[1], 6);
	r->src_window = f->window[0];
	r->dst_window = f->window[1];
	r->src_teid = f->teid[0];
	r->dst_teid = f->teid[1];
	r->icmp_type = f->icmp_type;
	r->icmp_code = f->icmp_code;
	r->client_rtt_us = f->timing.client_rtt_us;
	r->server_rtt_us = f->timing.server_rtt_us;
	r->app_latency_us = f->timing.app_latency_us;
	r->timing_known = f->timing.known;
	r->splt = f->splt;
	r->splt_count = f->splt_count;
}

static void fill_app(struct flow_record *r, const struct app_info *app, struct dissector *d,
		     uint32_t need)
{
	r->packed = app->text;
	packed_text_open(app->text, &r->text);
	r->application_name = r->category_name = r->confidence_name = "";
	r->master_protocol = app->master_protocol;
	r->app_protocol = app->app_protocol;
	r->category = app->category;
	r->guessed = app->guessed;
	r->confidence = app->confidence;
	r->risks = app->risks;
	if (!d)
		return;
	r->application_name = dissect_app_name(d, app);
	r->category_name = dissect_category_name(d, app);
	r->confidence_name = dissect_confidence_name(d, app);
	if (need & NEED_RISK_NAMES)
		r->risk_names =
			dissect_risk_names(d, app->risks, r->risk_buffer, sizeof(r->risk_buffer));
}

void record_derive(struct flow_record *r, uint32_t need)
{
	if (need & NEED_NFHASH)
		r->nfhash = nfhash(r);
	if (need & NEED_COMMUNITY_ID)
		community_id(r, r->community_id);
}

void record_fill(struct flow_record *r, const struct flow *f, const struct flow_end *end,
		 uint32_t need, struct dissector *d, const struct config *config)
{
	uint8_t src = end->counters->initiator & 1;

	memset(r, 0, offsetof(struct flow_record, risk_buffer));
	r->netns[0] = '\0';
	r->flow_id = f->flow_id;
	r->probe = config->probe_name;
	r->run_id = config->run_id;
	r->end_reason = end->reason;
	r->expiration_id = end->reason == FLOW_END_ACTIVE;
	r->splt_length = config->splt;
	r->risk_names = "";
	fill_key(r, end->key, src);
	fill_dir(&r->side[SIDE_SRC2DST], &end->counters->dir[src]);
	fill_dir(&r->side[SIDE_DST2SRC], &end->counters->dir[!src]);
	fill_both(r, end->counters);
	fill_first_packets(r, f);
	fill_app(r, &f->app, need & NEED_DISSECT ? d : NULL, need);
	if (end->stats && need & NEED_STATS)
		fill_stats(r, end->stats, src);
	if (end->tcp && need & NEED_TCP)
		fill_tcp(r, end->tcp, src);
	record_derive(r, need);
	if (need & NEED_RATES)
		for (int side = 0; side < SIDES; side++)
			fill_rates(&r->side[side]);
}
