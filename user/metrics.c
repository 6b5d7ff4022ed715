/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dissect.h"
#include "interface_names.h"
#include "log.h"
#include "metrics_http.h"

#define NS_PER_S 1000000000ull

/* How often numbers are told: a scrape sees what is at most so old, and one step. */
#define TELL_NS (NS_PER_S / 10)

/* A meter of interfaces that has not stepped for so long hangs. */
#define STALLED_NS (5 * NS_PER_S)

#define FRESH 4u /* bit of a slot's number: it was not read yet */

enum meter_phase { METER_OPENS, METER_RUNS, METER_ENDED };

struct metrics {
	const struct string_list *interfaces;
	struct metrics_build build;
	struct metrics_http *http;

	/* the meter's */
	struct metrics_totals totals;
	uint64_t told_ns;
	bool refusal_told;

	/* of both */
	_Atomic uint64_t stepped_ns;
	atomic_int phase;

	/*
	 * Three slots: one is being filled by the meter, one read by the server, the third is
	 * between them. Each side exchanges its own with that one, so neither ever waits.
	 */
	struct metrics_snapshot slots[3];
	atomic_uint between;
	unsigned int filled, read;
};

/* --- the server's side ------------------------------------------------------------------------ */

static const struct metrics_snapshot *latest(struct metrics *m)
{
	if (atomic_load(&m->between) & FRESH)
		m->read = atomic_exchange(&m->between, m->read) & ~FRESH;
	return &m->slots[m->read];
}

static unsigned int metrics_page(void *context, struct text_buffer *out)
{
	struct metrics *m = context;
	struct metrics_view view = { .meter = latest(m), .build = &m->build };

	process_stats_read(&view.process);
	view.now_ns = monotonic_ns();
	metrics_text(out, &view);
	return 200;
}

static unsigned int healthz_page(void *context, struct text_buffer *out)
{
	(void)context;
	text_string(out, "ok\n");
	return 200;
}

static unsigned int not_ready(struct text_buffer *out, const char *why)
{
	text_string(out, why);
	return 503;
}

/* A file may be a pipe, and a pipe may be quiet; interfaces bring a step even then. */
static unsigned int readyz_page(void *context, struct text_buffer *out)
{
	struct metrics *m = context;
	uint64_t stepped = atomic_load(&m->stepped_ns);

	switch ((enum meter_phase)atomic_load(&m->phase)) {
	case METER_OPENS: return not_ready(out, "not ready: the source is not open yet\n");
	case METER_ENDED: return not_ready(out, "not ready: the source has ended\n");
	case METER_RUNS: break;
	}
	if (m->interfaces->count && monotonic_ns() > stepped + STALLED_NS)
		return not_ready(out, "not ready: the meter does not go on\n");
	text_string(out, "ready\n");
	return 200;
}

static const struct metrics_page pages[] = {
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics_page },
	{ "/healthz", "text/plain; charset=utf-8", healthz_page },
	{ "/readyz", "text/plain; charset=utf-8", readyz_page },
	{ NULL, NULL, NULL },
};

/* --- opening and closing ---------------------------------------------------------------------- */

static void describe_build(struct metrics_build *build)
{
	*build = (struct metrics_build){
		.version = weir_version(),
		.libbpf = libbpf_version_string(),
		.ndpi = dissector_version(),
		.start_s = process_start_time(),
	};
}

int metrics_open(struct metrics **out, const struct config *config)
{
	struct metrics *m = calloc(1, sizeof(*m));
	int err;

	*out = NULL;
	if (!m) {
		log_error("out of memory at the start; free some");
		return -ENOMEM;
	}
	m->interfaces = &config->interfaces;
	for (size_t i = 0; i < config->interfaces.count; i++)
		if (interface_name_is_plain(config->interfaces.items[i]))
			metrics_totals_expect(&m->totals, config->interfaces.items[i]);
	describe_build(&m->build);
	m->read = 1;
	atomic_init(&m->between, 2);
	err = metrics_http_start(&m->http, config->metrics, pages, m);
	if (err)
		free(m);
	else
		*out = m;
	return err;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	metrics_http_stop(m->http);
	free(m);
}

/* --- the meter's side ------------------------------------------------------------------------- */

void metrics_record(struct metrics *m, const struct flow_record *r, bool dissected)
{
	metrics_totals_add(&m->totals, r, dissected, record_interface(r));
}

bool metrics_stepped(struct metrics *m, bool ended)
{
	uint64_t now = monotonic_ns();

	atomic_store(&m->stepped_ns, now);
	atomic_store(&m->phase, ended ? METER_ENDED : METER_RUNS);
	return ended || now - m->told_ns >= TELL_NS;
}

struct metrics_snapshot *metrics_begin(struct metrics *m)
{
	return &m->slots[m->filled];
}

/* Once: it may go on for long. */
static void tell_refusal(struct metrics *m)
{
	int error = m->refusal_told ? 0 : metrics_http_refused(m->http);

	if (!error)
		return;
	m->refusal_told = true;
	log_warning("--metrics: a client cannot be served: %s; %s", strerror(error),
		    metrics_http_mend(error));
}

void metrics_tell(struct metrics *m)
{
	struct metrics_snapshot *s = &m->slots[m->filled];

	m->told_ns = s->time_ns = monotonic_ns();
	s->totals = m->totals;
	m->filled = atomic_exchange(&m->between, m->filled | FRESH) & ~FRESH;
	tell_refusal(m);
}
