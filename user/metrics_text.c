/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics_text.h"

#include <stddef.h>

#include "metrics_counters.h"
#include "metrics_format.h"

/* A family of metrics: a row of the table. */
struct family {
	const char *name, *type, *help;
	/* Writes the samples, or nothing where there are none: then the family is left out. */
	void (*samples)(struct text_buffer *b, const struct family *f,
			const struct metrics_view *v);
	size_t at;     /* of the value in the view's struct that samples looks at */
	size_t needed; /* of a number there: while that is 0 the family is left out; 0 = always */
	const char *label;
	size_t member; /* of struct metrics_sum */
};

static uint64_t number_at(const void *from, size_t offset)
{
	return *(const uint64_t *)((const char *)from + offset);
}

static const struct metrics_label no_label;

static void plain_sample(struct text_buffer *b, const struct family *f, uint64_t value)
{
	metrics_sample(b, f->name, "", no_label);
	text_u64(b, value);
	text_char(b, '\n');
}

static void seconds_sample(struct text_buffer *b, const struct family *f, uint64_t ns)
{
	metrics_sample(b, f->name, "", no_label);
	metrics_seconds(b, ns);
	text_char(b, '\n');
}

static bool is_needed(const struct family *f, const void *from)
{
	return !f->needed || number_at(from, f->needed);
}

static void meter_number(struct text_buffer *b, const struct family *f,
			 const struct metrics_view *v)
{
	if (is_needed(f, v->meter))
		plain_sample(b, f, number_at(v->meter, f->at));
}

static void meter_seconds(struct text_buffer *b, const struct family *f,
			  const struct metrics_view *v)
{
	if (is_needed(f, v->meter))
		seconds_sample(b, f, number_at(v->meter, f->at));
}

static void process_number(struct text_buffer *b, const struct family *f,
			   const struct metrics_view *v)
{
	if (is_needed(f, &v->process))
		plain_sample(b, f, number_at(&v->process, f->at));
}

static void process_seconds(struct text_buffer *b, const struct family *f,
			    const struct metrics_view *v)
{
	seconds_sample(b, f, number_at(&v->process, f->at));
}

static void start_time(struct text_buffer *b, const struct family *f, const struct metrics_view *v)
{
	if (!v->build->start_s)
		return;
	metrics_sample(b, f->name, "", no_label);
	text_double(b, v->build->start_s);
	text_char(b, '\n');
}

static void snapshot_age(struct text_buffer *b, const struct family *f,
			 const struct metrics_view *v)
{
	if (v->meter->time_ns)
		seconds_sample(b, f, v->now_ns - v->meter->time_ns);
}

/* The value is 1: the labels are what is told. */
static void build_info(struct text_buffer *b, const struct family *f, const struct metrics_view *v)
{
	const struct metrics_label labels[] = {
		{ "version", v->build->version },
		{ "libbpf", v->build->libbpf },
		{ "ndpi", v->build->ndpi },
	};

	text_string(b, f->name);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		text_char(b, i ? ',' : '{');
		metrics_put_label(b, labels[i]);
	}
	text_string(b, "} 1\n");
}

static void named_sample(struct text_buffer *b, const struct family *f, const char *name,
			 const struct metrics_sum *sum)
{
	metrics_sample(b, f->name, "", (struct metrics_label){ f->label, name });
	text_u64(b, number_at(sum, f->member));
	text_char(b, '\n');
}

static void by_name(struct text_buffer *b, const struct family *f, const struct metrics_view *v)
{
	const struct metrics_names *names =
		(const struct metrics_names *)((const char *)v->meter + f->at);

	for (uint32_t i = 0; i < names->count; i++)
		named_sample(b, f, names->name[i], &names->sum[i]);
	if (names->other.flows)
		named_sample(b, f, METRICS_OTHER, &names->other);
}

static void by_output(struct text_buffer *b, const struct family *f, const struct metrics_view *v)
{
	const struct output_statuses *outputs = &v->meter->outputs;

	for (size_t i = 0; i < outputs->count; i++) {
		metrics_sample(b, f->name, "",
			       (struct metrics_label){ "output", outputs->item[i].name });
		text_u64(b, number_at(&outputs->item[i], f->at));
		text_char(b, '\n');
	}
}

/* Buckets hold all values up to their bound, those of the smaller ones too. */
static void histogram(struct text_buffer *b, const struct family *f,
		      const struct metrics_histogram *h, const uint64_t *bounds,
		      void (*put)(struct text_buffer *b, unsigned __int128 value))
{
	uint64_t count = 0;

	for (int i = 0; i <= METRICS_BUCKETS; i++) {
		text_string(b, f->name);
		text_string(b, "_bucket{le=\"");
		if (i < METRICS_BUCKETS)
			put(b, bounds[i]);
		else
			text_string(b, "+Inf");
		text_string(b, "\"} ");
		text_u64(b, count += h->count[i]);
		text_char(b, '\n');
	}
	metrics_sample(b, f->name, "_sum", no_label);
	put(b, h->sum);
	text_char(b, '\n');
	metrics_sample(b, f->name, "_count", no_label);
	text_u64(b, count);
	text_char(b, '\n');
}

static void put_bytes(struct text_buffer *b, unsigned __int128 value)
{
	text_u64(b, value);
}

static void durations(struct text_buffer *b, const struct family *f, const struct metrics_view *v)
{
	histogram(b, f, &v->meter->totals.durations, metrics_duration_bounds, metrics_seconds);
}

static void sizes(struct text_buffer *b, const struct family *f, const struct metrics_view *v)
{
	histogram(b, f, &v->meter->totals.sizes, metrics_size_bounds, put_bytes);
}

#define METER(member)   offsetof(struct metrics_snapshot, member)
#define PROCESS(member) offsetof(struct process_stats, member)
#define OUTPUT(member)  offsetof(struct output_status, member)

/* Three families of a kind of names: of finished flows, that is of records. */
#define BY_NAME(which, names, label)                                                        \
	{ "weir_" which "_flows_total",                                                     \
	  "counter",                                                                        \
	  "flow records by " which,                                                         \
	  by_name,                                                                          \
	  METER(totals.names),                                                              \
	  0,                                                                                \
	  label,                                                                            \
	  offsetof(struct metrics_sum, flows) },                                            \
		{ "weir_" which "_packets_total",                                           \
		  "counter",                                                                \
		  "packets of flow records by " which,                                      \
		  by_name,                                                                  \
		  METER(totals.names),                                                      \
		  0,                                                                        \
		  label,                                                                    \
		  offsetof(struct metrics_sum, packets) },                                  \
	{                                                                                   \
		"weir_" which "_bytes_total", "counter", "bytes of flow records by " which, \
			by_name, METER(totals.names), 0, label,                             \
			offsetof(struct metrics_sum, bytes)                                 \
	}

static const struct family families[] = {
	BY_NAME("application", applications, "application"),
	BY_NAME("category", categories, "category"),
	BY_NAME("interface", interfaces, "interface"),
	{ .name = "weir_flow_duration_seconds",
	  .type = "histogram",
	  .help = "flow records by the time from first to last packet",
	  .samples = durations },
	{ .name = "weir_flow_size_bytes",
	  .type = "histogram",
	  .help = "flow records by the bytes of both directions",
	  .samples = sizes },
	{ .name = "weir_live_flows",
	  .type = "gauge",
	  .help = "flows in the agent's table",
	  .samples = meter_number,
	  .at = METER(status.live_flows) },
	{ .name = "weir_map_entries",
	  .type = "gauge",
	  .help = "flows in the kernel's map",
	  .samples = meter_number,
	  .at = METER(status.map_entries),
	  .needed = METER(status.map_max) },
	{ .name = "weir_map_capacity_entries",
	  .type = "gauge",
	  .help = "flows that the kernel's map holds",
	  .samples = meter_number,
	  .at = METER(status.map_max),
	  .needed = METER(status.map_max) },
	{ .name = "weir_ring_used_bytes",
	  .type = "gauge",
	  .help = "events on their way from the kernel to the agent",
	  .samples = meter_number,
	  .at = METER(status.ring_used_bytes),
	  .needed = METER(status.ring_bytes) },
	{ .name = "weir_ring_capacity_bytes",
	  .type = "gauge",
	  .help = "room for events on their way from the kernel to the agent",
	  .samples = meter_number,
	  .at = METER(status.ring_bytes),
	  .needed = METER(status.ring_bytes) },
	{ .name = "weir_bpf_run_seconds_total",
	  .type = "counter",
	  .help = "CPU time of the programs in the kernel; needs the sysctl "
		  "kernel.bpf_stats_enabled",
	  .samples = meter_seconds,
	  .at = METER(status.bpf_run_ns),
	  .needed = METER(status.map_max) },
	{ .name = "weir_output_queue_records",
	  .type = "gauge",
	  .help = "records that an output over a network has not sent yet",
	  .samples = by_output,
	  .at = OUTPUT(counts.queued) },
	{ .name = "weir_output_queue_bytes",
	  .type = "gauge",
	  .help = "bytes in the queue of an output over a network",
	  .samples = by_output,
	  .at = OUTPUT(counts.queued_bytes) },
	{ .name = "weir_output_queue_capacity_bytes",
	  .type = "gauge",
	  .help = "room in the queue of an output over a network: --queue",
	  .samples = by_output,
	  .at = OUTPUT(capacity_bytes) },
	{ .name = "weir_output_sent_records_total",
	  .type = "counter",
	  .help = "records that left by an output",
	  .samples = by_output,
	  .at = OUTPUT(counts.sent) },
	{ .name = "weir_output_retried_records_total",
	  .type = "counter",
	  .help = "records that an output sent again, since a connection was lost",
	  .samples = by_output,
	  .at = OUTPUT(counts.retried) },
	{ .name = "weir_output_dropped_records_total",
	  .type = "counter",
	  .help = "records that found no room in an output's queue",
	  .samples = by_output,
	  .at = OUTPUT(counts.dropped) },
	{ .name = "weir_output_failed_records_total",
	  .type = "counter",
	  .help = "records that the other side of an output refused",
	  .samples = by_output,
	  .at = OUTPUT(counts.failed) },
	{ .name = "weir_snapshot_age_seconds",
	  .type = "gauge",
	  .help = "time since the meter told the numbers of this page",
	  .samples = snapshot_age },
	{ .name = "weir_build_info",
	  .type = "gauge",
	  .help = "versions of weir and its libraries; the value is 1",
	  .samples = build_info },
	{ .name = "process_start_time_seconds",
	  .type = "gauge",
	  .help = "when the process began, since the epoch",
	  .samples = start_time },
	{ .name = "process_cpu_seconds_total",
	  .type = "counter",
	  .help = "CPU time of the process, user and system",
	  .samples = process_seconds,
	  .at = PROCESS(cpu_ns) },
	{ .name = "process_resident_memory_bytes",
	  .type = "gauge",
	  .help = "memory of the process that is in RAM",
	  .samples = process_number,
	  .at = PROCESS(resident_bytes),
	  .needed = PROCESS(resident_bytes) },
	{ .name = "process_virtual_memory_bytes",
	  .type = "gauge",
	  .help = "address space of the process",
	  .samples = process_number,
	  .at = PROCESS(virtual_bytes),
	  .needed = PROCESS(virtual_bytes) },
	{ .name = "process_threads",
	  .type = "gauge",
	  .help = "threads of the process",
	  .samples = process_number,
	  .at = PROCESS(threads),
	  .needed = PROCESS(threads) },
	{ .name = "process_open_fds",
	  .type = "gauge",
	  .help = "open file descriptors",
	  .samples = process_number,
	  .at = PROCESS(open_fds),
	  .needed = PROCESS(open_fds) },
	{ .name = "process_max_fds",
	  .type = "gauge",
	  .help = "open file descriptors at most",
	  .samples = process_number,
	  .at = PROCESS(max_fds),
	  .needed = PROCESS(max_fds) },
};

static void put_family(struct text_buffer *b, const struct family *f, const struct metrics_view *v)
{
	size_t begin = b->length, header;

	metrics_header(b, f->name, f->type, f->help);
	header = b->length;
	f->samples(b, f, v);
	if (b->length == header)
		b->length = begin;
}

void metrics_text(struct text_buffer *b, const struct metrics_view *v)
{
	metrics_counters(b, &v->meter->ledger);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_family(b, &families[i], v);
}
