/* SPDX-License-Identifier: BSD-2-Clause */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "counters.h"
#include "log.h"
#include "notify.h"
#include "progress.h"
#include "stats_line.h"
#include "summary.h"
#include "weir/weir.h"

#define NS_PER_S 1000000000ull

/* How long records are written before somebody's wishes are looked at. */
#define TURN_MS 20

struct run {
	struct weir_streamer *streamer;
	bool quiet;
	struct stats_line stats;
	struct progress progress;
	struct notify notify;
};

static struct weir_streamer *volatile running; /* for signals */
static volatile bool stop_requested;           /* before there was one */
static volatile bool summary_requested;
static volatile bool reopen_requested;

static void on_stop(int signal)
{
	(void)signal;
	stop_requested = true;
	if (running)
		weir_streamer__stop(running);
}

static void on_summary(int signal)
{
	(void)signal;
	summary_requested = true;
}

static void on_reopen(int signal)
{
	(void)signal;
	reopen_requested = true;
}

static bool has_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* To a daemon it means: files may have other names. nohup(1) has it ignored, and stays right. */
static void catch_hangup(const struct sigaction *stop)
{
	struct sigaction reopen = { .sa_handler = on_reopen, .sa_flags = SA_RESTART }, before;
	bool terminal = has_terminal();

	sigaction(SIGHUP, NULL, &before);
	if (!terminal || before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, terminal ? stop : &reopen, NULL);
}

/* What goes on must not interrupt a read or a write: it would look like a broken file. */
static void catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop };
	struct sigaction summary = { .sa_handler = on_summary, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &summary, NULL);
	catch_hangup(&stop);
	sigaction(SIGPIPE, &ignore, NULL); /* a closed pipe shows as EPIPE */
}

static void print_message(void *context, enum weir_log_level level, const char *message)
{
	(void)context;
	log_to_stderr((enum log_level)level, message, NULL);
}

static int open_streamer(struct run *run, int argc, char *const *argv)
{
	const struct weir_streamer_opts opts = {
		.sz = sizeof(opts),
		.argc = argc,
		.argv = argv,
		.log = print_message,
	};
	int err = weir_streamer__open(&run->streamer, &opts);

	if (err)
		return err;
	running = run->streamer;
	if (stop_requested)
		weir_streamer__stop(run->streamer);
	return 0;
}

static struct ledger ledger_of(const struct run *run)
{
	struct ledger all;

	weir_streamer__counters(run->streamer, all.value, COUNTERS);
	return all;
}

static struct weir_status status_of(const struct run *run)
{
	struct weir_status status = { .sz = sizeof(status) };

	weir_streamer__status(run->streamer, &status);
	return status;
}

/* --- what is told on the way ------------------------------------------------------------------ */

static uint64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull;
}

static struct stats_moment moment_of(const struct run *run)
{
	struct weir_status status = status_of(run);
	struct ledger all = ledger_of(run);

	return (struct stats_moment){
		.time_ns = monotonic_ns(),
		.packets = all.value[COUNTER_SEEN],
		.bytes = all.value[COUNTER_BYTES],
		.lost = ledger_lost(&all),
		.cpu_ns = cpu_ns(),
		.flows = status.live_flows,
		.extras = {
			.map_flows = status.map_entries,
			.map_max = status.map_max,
			.bpf_ns = status.bpf_run_ns,
		},
	};
}

static void print_rates(struct run *run)
{
	struct stats_moment now = moment_of(run);
	char line[STATS_LINE_SIZE];

	stats_line_next(&run->stats, &now, line);
	log_to_stderr(LOG_LEVEL_INFO, line, NULL);
}

static void draw_progress(struct run *run)
{
	struct weir_status status = status_of(run);

	progress_update(&run->progress, weir_streamer__counter(run->streamer, COUNTER_SEEN),
			status.read_bytes);
}

static const char *status_text(const struct run *run, char *text, size_t size)
{
	struct ledger all = ledger_of(run);

	snprintf(text, size, "%" PRIu64 " packets, %" PRIu64 " live flows, %" PRIu64 " lost",
		 all.value[COUNTER_SEEN], status_of(run).live_flows, ledger_lost(&all));
	return text;
}

static void tell_manager(struct run *run)
{
	uint64_t now = monotonic_ns();
	char text[128];
	bool status = notify_wants_status(&run->notify, now);

	notify_turn(&run->notify, now, status ? status_text(run, text, sizeof(text)) : NULL);
}

static void reopen(struct run *run)
{
	reopen_requested = false;
	notify_reloading(&run->notify, monotonic_ns());
	weir_streamer__reopen(run->streamer);
}

static void tell(struct run *run)
{
	if (reopen_requested)
		reopen(run);
	if (stop_requested)
		notify_stopping(&run->notify);
	tell_manager(run);
	if (summary_requested) {
		struct ledger all = ledger_of(run);

		summary_requested = false;
		summary_print(&all);
	}
	if (run->stats.interval_ns && stats_line_due(&run->stats, monotonic_ns()))
		print_rates(run);
	if (run->progress.shown)
		draw_progress(run);
}

/* --- the run ---------------------------------------------------------------------------------- */

static const char *setting(const struct run *run, const char *name, char *text, size_t size)
{
	weir_streamer__setting(run->streamer, name, text, size);
	return text;
}

static void begin_telling(struct run *run)
{
	struct stats_moment now = moment_of(run);
	char text[64];

	run->quiet = !strcmp(setting(run, "quiet", text, sizeof(text)), "true");
	stats_line_begin(
		&run->stats,
		strtod(setting(run, "stats-interval", text, sizeof(text)), NULL) * NS_PER_S, &now);
	progress_init(&run->progress, run->quiet || *setting(run, "interface", text, sizeof(text)),
		      status_of(run).source_bytes);
}

/* What was metered is exported and accounted for, whatever stopped the source. */
static int end_telling(struct run *run, int err)
{
	struct ledger all = ledger_of(run);
	char path[4096];

	progress_end(&run->progress);
	if (!run->quiet)
		summary_print(&all);
	if (*setting(run, "summary", path, sizeof(path))) {
		int summary_err = summary_write(&all, path);

		if (!err)
			err = summary_err;
	}
	return err;
}

static int write_all(struct run *run)
{
	int more;

	begin_telling(run);
	notify_open(&run->notify);
	while ((more = weir_streamer__write(run->streamer, TURN_MS)) == 1)
		tell(run);
	if (!more) /* or a short run would never have been ready */
		tell_manager(run);
	notify_stopping(&run->notify);
	notify_close(&run->notify);
	if (more == -EPIPE) /* the reader has seen enough: weir ... | head */
		more = 0;
	return more == -EINVAL ? more : end_telling(run, more);
}

int weir_run(int argc, char *const *argv)
{
	struct run run = { 0 };
	int err;

	catch_signals();
	err = open_streamer(&run, argc, argv);
	if (!err)
		err = write_all(&run);
	running = NULL;
	weir_streamer__free(run.streamer);
	return err == -EINVAL ? RUN_USAGE : err;
}
