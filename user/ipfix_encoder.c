/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix.h"

#include <errno.h>
#include <stdlib.h>

#include "ipfix_applications.h"
#include "ipfix_layout.h"
#include "ipfix_message.h"
#include "ipfix_record.h"
#include "ipfix_statistics.h"
#include "ipfix_types.h"
#include "log.h"

#define NS_PER_S 1000000000ull

struct ipfix_encoder {
	struct ipfix_options options;
	uint32_t pen;
	struct ipfix_layouts layouts;
	struct ipfix_message message;
	struct ipfix_applications applications;
	struct ipfix_statistics statistics;
	uint64_t refresh_ns, refresh_messages;
	uint64_t now_ns;
	uint64_t past_ns; /* the stamp of flows that were long ago */
	uint64_t refreshed_ns, refreshed_messages;
	bool refreshed; /* once at least */
	uint64_t cut;
};

static const char *protocol_name(enum ipfix_protocol protocol)
{
	return protocol == IPFIX ? "IPFIX" : "NetFlow v9";
}

static int build_layouts(struct ipfix_encoder *e, const struct config *config,
			 const struct columns *columns)
{
	int err = ipfix_layouts_build(&e->layouts, config, columns, &e->options);

	if (err == -EINVAL)
		log_error("%s: no record of these columns can be made: none has an element, or "
			  "they do not fit a message; choose others with --fields",
			  protocol_name(e->options.protocol));
	return err;
}

static size_t usual_size(const struct config *config, const struct ipfix_options *options)
{
	size_t size = options->datagrams ? config->ipfix_mtu : IPFIX_MESSAGE_MAX;

	return options->protocol == NETFLOW9 ? size & ~(size_t)3 : size;
}

/* Padding would be taken for records by who reads records smaller than it. */
static void fit_alignment(struct ipfix_encoder *e)
{
	if (e->layouts.forward[VARIANT_IPV4].least < e->message.align)
		e->message.align = 1;
}

/* --- templates and options -------------------------------------------------------------------- */

static int add_option_templates(const struct ipfix_encoder *e, struct ipfix_message *m)
{
	bool ipfix = m->protocol == IPFIX;
	int err =
		ipfix_option_template_add(m, ipfix_statistics_option(m->protocol, &e->statistics));

	if (!err && e->layouts.applications)
		err = ipfix_option_template_add(m, ipfix ? &ipfix_applications_option
							 : &ipfix_applications_option_v9);
	return err;
}

static int add_types(const struct ipfix_encoder *e, struct ipfix_message *m)
{
	/* the last variant has every column */
	const struct ipfix_layout *layout = &e->layouts.forward[e->layouts.variants - 1];
	int err;

	if (m->protocol == NETFLOW9 || !ipfix_types_count(layout))
		return 0;
	err = ipfix_option_template_add(m, &ipfix_types_option);
	return err ? err : ipfix_types_add(m, layout, e->pen);
}

/* Types before the templates with their elements: collectors look an element up only once. */
static int add_templates(const struct ipfix_encoder *e, struct ipfix_message *m)
{
	int err = add_types(e, m);

	for (size_t i = 0; i < e->layouts.variants && !err; i++)
		err = ipfix_template_add(m, &e->layouts.forward[i]);
	return err ? err : add_option_templates(e, m);
}

int ipfix_encoder_preamble(const struct ipfix_encoder *e, uint64_t now_ns, ipfix_emit *emit,
			   void *context, uint32_t *sequence)
{
	struct ipfix_message m;
	int err = ipfix_message_open(&m, e->message.protocol, e->message.domain, e->message.usual);

	m.emit = emit;
	m.context = context;
	if (!err)
		err = ipfix_message_clock(&m, now_ns);
	if (!err)
		err = add_templates(e, &m);
	if (!err)
		err = ipfix_applications_tell_all(&e->applications, &m);
	if (!err)
		err = ipfix_message_flush(&m);
	if (sequence)
		*sequence = m.sequence;
	ipfix_message_close(&m);
	return err;
}

static int add_statistics(struct ipfix_encoder *e)
{
	struct ipfix_totals totals = { 0 };

	if (e->options.totals)
		e->options.totals(e->options.context, &totals);
	return ipfix_statistics_add(&e->message, &e->statistics, &totals);
}

static int refresh(struct ipfix_encoder *e)
{
	struct ipfix_message *m = &e->message;
	int err = 0;

	e->refreshed = true;
	e->refreshed_ns = e->now_ns;
	e->refreshed_messages = m->handed.messages;
	ipfix_applications_forget(&e->applications);
	if (e->options.datagrams)
		err = add_templates(e, m);
	if (!err)
		err = add_statistics(e);
	if (!err)
		err = ipfix_applications_tell(&e->applications, m);
	return err;
}

/* A clock that is set back must not keep templates away for long. */
static bool is_due(const struct ipfix_encoder *e)
{
	const struct ipfix_message *m = &e->message;

	return !e->refreshed || e->now_ns - e->refreshed_ns >= e->refresh_ns ||
	       m->handed.messages - e->refreshed_messages >= e->refresh_messages;
}

/* What comes now is stamped with this, and what is due comes first. */
static int begin(struct ipfix_encoder *e, uint64_t now_ns, uint64_t stamp_ns)
{
	int err = ipfix_message_clock(&e->message, stamp_ns);

	e->now_ns = now_ns;
	return !err && is_due(e) ? refresh(e) : err;
}

int ipfix_encoder_templates(struct ipfix_encoder *e, uint64_t now_ns)
{
	return begin(e, now_ns, now_ns);
}

/* --- creation --------------------------------------------------------------------------------- */

static int emit_nowhere(void *context, const void *bytes, size_t length, uint32_t flows)
{
	(void)context;
	(void)bytes;
	(void)length;
	(void)flows;
	return 0;
}

static void take_config(struct ipfix_encoder *e, const struct config *config)
{
	e->pen = config->ipfix_pen;
	e->statistics.point = config->ipfix_point;
	e->statistics.totals = e->options.totals != NULL;
	e->refresh_ns = config->ipfix_refresh_ns ? config->ipfix_refresh_ns : IPFIX_REFRESH_NS;
	e->refresh_messages = config->ipfix_refresh_messages ? config->ipfix_refresh_messages
							     : IPFIX_REFRESH_MESSAGES;
}

int ipfix_encoder_new(struct ipfix_encoder **out, const struct config *config,
		      const struct columns *columns, const struct ipfix_options *options)
{
	struct ipfix_encoder *e = calloc(1, sizeof(*e));
	int err = -ENOMEM;

	*out = NULL;
	if (!e)
		goto out;
	e->options = *options;
	take_config(e, config);
	err = build_layouts(e, config, columns);
	if (!err)
		err = ipfix_message_open(&e->message, options->protocol, config->ipfix_domain,
					 usual_size(config, options));
	if (err)
		goto out;
	e->message.emit = options->emit;
	e->message.context = options->context;
	fit_alignment(e);
	if (!options->datagrams)
		err = ipfix_encoder_preamble(e, 0, emit_nowhere, NULL, &e->message.sequence);
	if (err)
		goto out;
	*out = e;
	return 0;
out:
	if (err == -ENOMEM)
		log_error("out of memory at the start; free some");
	ipfix_encoder_free(e);
	return err;
}

void ipfix_encoder_free(struct ipfix_encoder *e)
{
	if (!e)
		return;
	ipfix_message_close(&e->message);
	ipfix_layouts_free(&e->layouts);
	ipfix_applications_free(&e->applications);
	free(e);
}

void ipfix_encoder_restart(struct ipfix_encoder *e)
{
	e->refreshed = false;
}

/* --- records ---------------------------------------------------------------------------------- */

static struct ipfix_written flow_written(const struct flow_record *r)
{
	return (struct ipfix_written){
		.flows = 1,
		.packets = r->side[SIDE_BOTH].packets,
		.octets = r->side[SIDE_BOTH].bytes,
	};
}

static int add_record(struct ipfix_encoder *e, const struct flow_record *r)
{
	const struct ipfix_layout *layout = &e->layouts.forward[ipfix_variant_of(&e->layouts, r)];
	uint8_t *at = ipfix_message_place(&e->message, layout->id), *end;
	struct ipfix_written written = flow_written(r);

	end = ipfix_record_put(at, layout, r, &e->message, e->pen, &e->cut);
	written.length = end - at;
	written.records = 1;
	return ipfix_message_add(&e->message, layout->id, &written);
}

/* A record for each direction that has packets; they go together. */
static int add_directions(struct ipfix_encoder *e, const struct flow_record *r)
{
	enum ipfix_variant variant = ipfix_variant_of(&e->layouts, r);
	const struct ipfix_layout *const layouts[] = { &e->layouts.forward[variant],
						       &e->layouts.reverse[variant] };
	uint16_t set = layouts[0]->id;
	uint8_t *at = ipfix_message_place(&e->message, set), *end = at;
	struct ipfix_written written = flow_written(r);

	for (int i = 0; i < 2; i++) {
		if (!r->side[i ? SIDE_DST2SRC : SIDE_SRC2DST].packets)
			continue;
		end = ipfix_record_put(end, layouts[i], r, &e->message, e->pen, &e->cut);
		written.records++;
	}
	written.length = end - at;
	return written.records ? ipfix_message_add(&e->message, set, &written) : 0;
}

/*
 * Now; but NetFlow v9 tells times on an uptime that ends with the stamp, which from now does not
 * reach the flows of an old capture, nor those of a clock that is ahead: they are stamped with
 * their own time.
 */
static uint64_t stamp_of(struct ipfix_encoder *e, const struct flow_record *r, uint64_t now_ns)
{
	const uint64_t reach_ns = IPFIX_UPTIME_REACH_S * NS_PER_S;
	uint64_t last_ns = r->side[SIDE_BOTH].last_ns;

	if (e->options.protocol == IPFIX)
		return now_ns;
	if (now_ns <= r->side[SIDE_BOTH].first_ns + reach_ns)
		return last_ns > now_ns ? last_ns : now_ns;
	if (last_ns > e->past_ns || e->past_ns - last_ns > reach_ns)
		e->past_ns = last_ns;
	return e->past_ns;
}

int ipfix_encoder_encode(struct ipfix_encoder *e, const struct flow_record *r, uint64_t now_ns)
{
	int err = begin(e, now_ns, stamp_of(e, r, now_ns));

	if (e->layouts.applications)
		ipfix_applications_learn(&e->applications, r);
	if (!err)
		err = ipfix_applications_tell(&e->applications, &e->message);
	if (err)
		return err;
	return e->options.protocol == IPFIX ? add_record(e, r) : add_directions(e, r);
}

int ipfix_encoder_flush(struct ipfix_encoder *e, uint64_t now_ns)
{
	int err = ipfix_message_clock(&e->message, now_ns);

	return err ? err : ipfix_message_flush(&e->message);
}

int ipfix_encoder_finish(struct ipfix_encoder *e, uint64_t now_ns)
{
	bool due;
	int err;

	e->now_ns = now_ns;
	due = is_due(e);
	err = begin(e, now_ns, now_ns);
	if (!err && !due)
		err = add_statistics(e);
	return err ? err : ipfix_message_flush(&e->message);
}

uint32_t ipfix_encoder_held(const struct ipfix_encoder *e)
{
	return e->message.holds.flows;
}

struct ipfix_load ipfix_encoder_load(const struct ipfix_encoder *e)
{
	return e->message.load;
}

size_t ipfix_encoder_names(const struct ipfix_encoder *e)
{
	return e->applications.count;
}

uint32_t ipfix_encoder_sequence(const struct ipfix_encoder *e)
{
	return e->message.sequence;
}

uint64_t ipfix_encoder_cut(const struct ipfix_encoder *e)
{
	return e->cut;
}
