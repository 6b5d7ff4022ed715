/* SPDX-License-Identifier: BSD-2-Clause */
/* The public API of a streamer: steps, records, columns, counters. */
#include "streamer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "options.h"

#define NS_PER_MS 1000000ull

/* Of flows that end together, so many become records in one step. */
#define FLOWS_A_STEP 256u

/* How often a live source wants a step from who polls its descriptor. */
#define POLL_TIMER_MS 20

/* --- opening and closing ---------------------------------------------------------------------- */

/* Messages are kept for weir_last_error(); whoever wants them all gives a function. */
static void take_log(struct weir_streamer *s, const struct weir_streamer_opts *opts)
{
	_Static_assert((int)WEIR_LOG_ERROR == (int)LOG_LEVEL_ERROR &&
			       (int)WEIR_LOG_WARNING == (int)LOG_LEVEL_WARNING,
		       "levels are the same numbers");
	s->log.write = (void (*)(void *, enum log_level, const char *))opts->log;
	s->log.context = opts->log_context;
}

/* Fields that an older program does not know are zero. */
static int copy_opts(struct weir_streamer_opts *to, const struct weir_streamer_opts *from)
{
	if (!from || from->sz < sizeof(from->sz)) {
		log_error("weir_streamer__open: opts.sz is not set; set it to sizeof(opts)");
		return -EINVAL;
	}
	*to = (struct weir_streamer_opts){ 0 };
	memcpy(to, from, from->sz < sizeof(*to) ? from->sz : sizeof(*to));
	for (size_t i = sizeof(*to); i < from->sz; i++) {
		if (((const char *)from)[i]) {
			log_error("weir_streamer__open: options that this libweir does not know; "
				  "use a newer one");
			return -E2BIG;
		}
	}
	return 0;
}

static void close_all(struct weir_streamer *s)
{
	const int fds[] = { s->poll_fd, s->timer_fd, s->ready_fd };

	streamer_close_parts(s);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int no_descriptor(void)
{
	int err = -errno;

	log_error("no file descriptor is left: %s; raise the limit (ulimit -n)", strerror(errno));
	return err;
}

int weir_streamer__open(struct weir_streamer **out, const struct weir_streamer_opts *from)
{
	static const struct log_sink silence;
	const struct log_sink *before = log_use(&silence);
	struct weir_streamer *s = calloc(1, sizeof(*s));
	struct weir_streamer_opts opts;
	int err = copy_opts(&opts, from);

	*out = NULL;
	if (!s && !err)
		log_error("out of memory at the start; free some");
	if (!err && !s)
		err = -ENOMEM;
	if (!err) {
		s->poll_fd = s->timer_fd = -1;
		s->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		take_log(s, &opts);
		log_use(&s->log);
		err = s->ready_fd < 0 ? no_descriptor() : streamer_open_parts(s, &opts);
		if (err)
			close_all(s);
	}
	log_use(before);
	if (!err)
		*out = s;
	else
		free(s);
	return err;
}

void weir_streamer__free(struct weir_streamer *s)
{
	const struct log_sink *before;

	if (!s)
		return;
	before = log_use(&s->log);
	close_all(s);
	log_use(before);
	free(s);
}

void weir_streamer__stop(struct weir_streamer *s)
{
	uint64_t one = 1;

	s->stop = true;
	if (write(s->ready_fd, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

/* --- steps ------------------------------------------------------------------------------------ */

static int step_source(struct weir_streamer *s, int timeout_ms)
{
	if (s->bpf)
		return source_bpf_step(s->bpf, timeout_ms);
	return s->live ? source_live_step(s->live, timeout_ms) : source_pcap_step(s->pcap);
}

static void step_read(struct weir_streamer *s, int timeout_ms)
{
	int more = step_source(s, timeout_ms);

	if (more < 0)
		s->error = more;
	if (more <= 0 || flow_table_error(s->flows) || flow_table_done(s->flows))
		s->phase = PHASE_COLLECT;
}

static void step_collect(struct weir_streamer *s)
{
	bool more = s->bpf ? source_bpf_finish(s->bpf) : s->live && source_live_finish(s->live);

	if (!more)
		s->phase = PHASE_FLOWS;
}

static void step_flows(struct weir_streamer *s)
{
	if (host_meter_end_some(s->meter, FLOW_END_FORCED, FLOWS_A_STEP))
		return;
	s->phase = PHASE_END;
	if (!s->error)
		s->error = flow_table_error(s->flows);
}

void streamer_tell_metrics(struct weir_streamer *s)
{
	struct metrics_snapshot *snapshot = metrics_begin(s->metrics);

	snapshot->status = (struct weir_status){ .sz = sizeof(snapshot->status) };
	weir_streamer__status(s, &snapshot->status);
	snapshot->ledger = streamer_ledger(s);
	snapshot->outputs = (struct output_statuses){ 0 };
	if (s->exporters)
		exporters_status(s->exporters, &snapshot->outputs);
	metrics_tell(s->metrics);
}

void streamer_step(struct weir_streamer *s, int timeout_ms)
{
	flow_table_resume(s->flows);
	switch (s->phase) {
	case PHASE_OPEN:
		s->error = streamer_begin(s);
		if (!s->error && s->exporters)
			s->error = exporters_begin(s->exporters);
		s->phase = s->error ? PHASE_END : PHASE_READ;
		break;
	case PHASE_READ: step_read(s, timeout_ms); break;
	case PHASE_COLLECT: step_collect(s); break;
	case PHASE_FLOWS: step_flows(s); break;
	case PHASE_END: break;
	}
	if (s->metrics && metrics_stepped(s->metrics, s->phase == PHASE_END))
		streamer_tell_metrics(s);
}

/* --- what there is to do, for poll(2) --------------------------------------------------------- */

/* A step is worth while at once: not when a live source waits for packets. */
static bool is_ready(const struct weir_streamer *s)
{
	return s->pcap || s->stop || s->phase != PHASE_READ || s->row_waits ||
	       !record_queue_is_empty(s->queue);
}

static void tell_ready(struct weir_streamer *s)
{
	uint64_t count = 1;

	if (s->poll_fd < 0)
		return;
	if (read(s->timer_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	if (!is_ready(s)) {
		if (read(s->ready_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return;
		if (!s->stop) /* it may have come in between */
			return;
	}
	count = 1;
	if (write(s->ready_fd, &count, sizeof(count)) < 0)
		return;
}

static int watch(int poll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fd < 0 ? -1 : epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int make_poll_fd(struct weir_streamer *s)
{
	const struct itimerspec period = {
		.it_interval.tv_nsec = POLL_TIMER_MS * NS_PER_MS,
		.it_value.tv_nsec = POLL_TIMER_MS * NS_PER_MS,
	};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (s->timer_fd < 0)
		s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd >= 0 && !watch(fd, s->ready_fd) && !watch(fd, s->timer_fd) &&
	    (s->pcap || !timerfd_settime(s->timer_fd, 0, &period, NULL)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -EMFILE;
}

int weir_streamer__fd(struct weir_streamer *s)
{
	if (s->poll_fd >= 0)
		return s->poll_fd;
	s->poll_fd = make_poll_fd(s);
	if (s->poll_fd < 0)
		return s->poll_fd;
	tell_ready(s);
	return s->poll_fd;
}

/* --- records ---------------------------------------------------------------------------------- */

/* Milliseconds until the deadline: -1 = for ever. */
static int time_left(int timeout_ms, uint64_t began_ns)
{
	uint64_t passed_ms;

	if (timeout_ms <= 0)
		return timeout_ms;
	passed_ms = (monotonic_ns() - began_ns) / NS_PER_MS;
	return passed_ms < (uint64_t)timeout_ms ? timeout_ms - (int)passed_ms : 0;
}

/* A live source decides itself how long a step may wait; this is only its bound. */
static int step_time(int left_ms)
{
	return left_ms < 0 || left_ms > 1000 ? 1000 : left_ms;
}

static int take_error(struct weir_streamer *s)
{
	int err = s->error;

	s->error = 0;
	if (s->bpf)
		source_bpf_settle(s->bpf);
	return err;
}

/* 1 with a record; 0, -EAGAIN or an error as told to the caller. */
static int next_record(struct weir_streamer *s, int timeout_ms)
{
	uint64_t began = timeout_ms > 0 ? monotonic_ns() : 0;
	bool stepped = false;

	for (;;) {
		int left;

		s->record.values = record_queue_next(s->queue);
		if (s->record.values)
			return 1;
		if (s->phase == PHASE_END)
			return take_error(s);
		left = time_left(timeout_ms, began);
		if (!left && stepped)
			return -EAGAIN;
		streamer_step(s, step_time(left));
		stepped = true;
	}
}

static bool is_writing(struct weir_streamer *s)
{
	if (!s->exporters)
		return false;
	log_error("weir_streamer__next: records go to outputs; call weir_streamer__write()");
	return true;
}

int weir_streamer__next(struct weir_streamer *s, const struct weir_record **record, int timeout_ms)
{
	const struct log_sink *before = log_use(&s->log);
	int n = is_writing(s) ? -EINVAL : s->row_waits ? 1 : next_record(s, timeout_ms);

	s->row_waits = false;
	*record = n == 1 ? &s->record : NULL;
	tell_ready(s);
	log_use(before);
	return n;
}

/* As many as there is room and a record at hand for; only the first one is waited for. */
static int fill_rows(struct weir_streamer *s, char *buffer, size_t size, size_t *used,
		     int timeout_ms)
{
	int rows = 0;

	for (;;) {
		size_t left = size - *used;
		int length, n = 1;

		if (!s->row_waits && rows && record_queue_is_empty(s->queue))
			return rows;
		if (!s->row_waits)
			n = next_record(s, timeout_ms);
		if (n != 1)
			return n;
		length = left > sizeof(uint64_t)
				 ? weir_record__row(&s->record, buffer + *used + sizeof(uint64_t),
						    left - sizeof(uint64_t))
				 : -ENOSPC;
		s->row_waits = length < 0;
		if (length < 0)
			return rows ? rows : length;
		*(uint64_t *)(buffer + *used) = (uint64_t)length;
		*used += sizeof(uint64_t) + (size_t)length;
		rows++;
	}
}

int weir_streamer__next_rows(struct weir_streamer *s, void *buffer, size_t size, size_t *used,
			     int timeout_ms)
{
	const struct log_sink *before = log_use(&s->log);
	int n;

	*used = 0;
	n = is_writing(s) ? -EINVAL : fill_rows(s, buffer, size, used, timeout_ms);
	tell_ready(s);
	log_use(before);
	return n;
}

/* --- outputs ---------------------------------------------------------------------------------- */

static struct ledger read_account(const void *context)
{
	return streamer_ledger(context);
}

static int open_outputs(struct weir_streamer *s)
{
	const struct exporters_parts parts = {
		.config = &s->config,
		.columns = &s->columns,
		.all_columns = s->all_columns.items ? &s->all_columns : NULL,
		.named_columns = s->named_columns.items ? &s->named_columns : NULL,
		.ledger = &s->ledger,
		.account = { read_account, s },
		.stop = &s->stop,
	};
	int err;

	if (s->exporters)
		return 0;
	err = exporters_open(&s->exporters, &parts);
	if (!err)
		flow_table_set_sink(s->flows, exporters_sink(s->exporters));
	return err;
}

/* Everything was handed to the outputs, or one of them failed. */
static int close_outputs(struct weir_streamer *s)
{
	int export_err = flow_table_error(s->flows), err;

	if (export_err)
		exporters_discard(s->exporters);
	else
		export_err = exporters_close(s->exporters);
	s->exporters = NULL;
	flow_table_set_sink(s->flows, record_queue_sink(s->queue));
	if (export_err)
		flow_table_unwritten(s->flows);
	err = take_error(s);
	return err ? err : export_err;
}

static int write_records(struct weir_streamer *s, int timeout_ms)
{
	uint64_t began = monotonic_ns();
	int left = timeout_ms, err;

	if (s->phase == PHASE_END)
		return take_error(s);
	err = open_outputs(s);
	if (err)
		return err;
	do {
		streamer_step(s, step_time(left));
		left = time_left(timeout_ms, began);
	} while (left && s->phase != PHASE_END);
	return s->phase == PHASE_END ? close_outputs(s) : 1;
}

int weir_streamer__write(struct weir_streamer *s, int timeout_ms)
{
	const struct log_sink *before = log_use(&s->log);
	int n = write_records(s, timeout_ms);

	tell_ready(s);
	log_use(before);
	return n;
}

static int reopen_outputs(struct weir_streamer *s)
{
	flow_table_flush(s->flows);
	return flow_table_error(s->flows) ? 0 : exporters_reopen(s->exporters);
}

/* What a flush says is the flow table's error, which ends the reading. */
int weir_streamer__reopen(struct weir_streamer *s)
{
	const struct log_sink *before = log_use(&s->log);
	int err = s->exporters ? reopen_outputs(s) : 0;

	if (err && !s->error)
		s->error = err;
	if (err)
		weir_streamer__stop(s);
	log_use(before);
	return err ? err : flow_table_error(s->flows);
}

/* --- columns, counters ------------------------------------------------------------------------ */

size_t weir_streamer__column_count(const struct weir_streamer *s)
{
	return s->columns.count;
}

const struct weir_column *weir_streamer__column(const struct weir_streamer *s, int id)
{
	return id >= 0 && (size_t)id < s->columns.count ? &s->infos[id] : NULL;
}

int weir_streamer__column_id(const struct weir_streamer *s, const char *name)
{
	return columns_id(&s->columns, name);
}

int weir_streamer__setting(const struct weir_streamer *s, const char *name, char *buffer,
			   size_t size)
{
	const struct option_info *o = option_by_name(name);

	if (!o || o->type == OPTION_ACTION)
		return -ENOENT;
	return option_format(&s->config, o, buffer, size);
}

struct ledger streamer_ledger(const struct weir_streamer *s)
{
	struct ledger all = s->ledger;

	if (s->bpf)
		source_bpf_ledger(s->bpf, &s->ledger, &all);
	return all;
}

const char *weir_counter_name(size_t i)
{
	return i < COUNTERS ? counter_table[i].path : NULL;
}

size_t weir_streamer__counters(const struct weir_streamer *s, uint64_t *values, size_t count)
{
	struct ledger all = streamer_ledger(s);

	memcpy(values, all.value, (count < COUNTERS ? count : COUNTERS) * sizeof(*values));
	return COUNTERS;
}

uint64_t weir_streamer__counter(const struct weir_streamer *s, size_t i)
{
	return i < COUNTERS ? streamer_ledger(s).value[i] : UINT64_MAX;
}

uint64_t weir_streamer__counter_by_name(const struct weir_streamer *s, const char *name)
{
	size_t i = 0;

	while (i < COUNTERS && strcmp(counter_table[i].path, name))
		i++;
	return weir_streamer__counter(s, i);
}

static void fill_status(const struct weir_streamer *s, struct weir_status *to)
{
	to->live_flows = host_meter_flows(s->meter);
	if (s->bpf) {
		source_bpf_fill(s->bpf, &to->map_entries, &to->map_max);
		source_bpf_ring(s->bpf, &to->ring_used_bytes, &to->ring_bytes);
		to->bpf_run_ns = source_bpf_run_time_ns(s->bpf);
	}
	if (s->pcap)
		source_pcap_progress(s->pcap, &to->source_bytes, &to->read_bytes);
}

int weir_streamer__status(const struct weir_streamer *s, struct weir_status *status)
{
	size_t size = status->sz;
	struct weir_status all = { .sz = size };

	if (size < sizeof(status->sz))
		return -EINVAL;
	fill_status(s, &all);
	memset(status, 0, size);
	memcpy(status, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}

const char *weir_version(void)
{
	return WEIR_VERSION;
}

const char *weir_last_error(void)
{
	return log_last_error();
}
