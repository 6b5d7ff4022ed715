/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public API as a program meets it: records, rows, columns, counters, plugins of the program,
 * errors, and what may be called from elsewhere. demo.pcap has 22 flows.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/plugin.h"
#include "weir/weir.h"

#define DEMO       "tests/pcaps/recorded/demo.pcap"
#define DEMO_FLOWS 22

static struct weir_streamer *open_with(const char *source, const char *const *settings)
{
	const struct weir_streamer_opts opts = {
		.sz = sizeof(opts),
		.source = source,
		.settings = settings,
	};
	struct weir_streamer *s;

	assert_int_equal(weir_streamer__open(&s, &opts), 0);
	assert_non_null(s);
	return s;
}

static uint64_t number(const struct weir_record *r, const char *name)
{
	uint64_t value = 0;

	assert_int_equal(weir_record__u64(r, weir_record__id(r, name), &value), 0);
	return value;
}

/* --- records ---------------------------------------------------------------------------------- */

static void iterates(void **state)
{
	static const char *const settings[] = { "stats", "splt=3", NULL };
	struct weir_streamer *s = open_with(DEMO, settings);
	const struct weir_record *r;
	uint64_t flows = 0, packets = 0;

	(void)state;
	while (weir_streamer__next(s, &r, -1) == 1) {
		flows++;
		packets += number(r, "total_packets");
	}
	assert_int_equal(flows, DEMO_FLOWS);
	assert_int_equal(packets, weir_streamer__counter_by_name(s, "metered"));
	assert_int_equal(weir_streamer__counter_by_name(s, "flows"), DEMO_FLOWS);
	assert_int_equal(weir_streamer__next(s, &r, 0), 0); /* the end stays the end */
	assert_null(r);
	weir_streamer__free(s);
}

static void getters(void **state)
{
	static const char *const settings[] = { "fields=src_ip,ip_src,src_port,expiration_id,"
						"bidirectional_mean_ps,application_name,"
						"splt_ps,client_rtt_us,src_mac",
						"splt=2", "filter=udp port 53", NULL };
	struct weir_streamer *s = open_with(DEMO, settings);
	const struct weir_record *r;
	const int64_t *list;
	const char *text;
	size_t count;
	uint64_t u;
	int64_t i;
	double d;
	char buffer[64], small[4];

	(void)state;
	assert_int_equal(weir_streamer__next(s, &r, -1), 1);
	assert_int_equal(weir_record__u64(r, 2, &u), 0);
	assert_true(u == 58354);
	assert_int_equal(weir_record__i64(r, 2, &i), 0);
	assert_int_equal(i, 58354);
	assert_int_equal(weir_record__f64(r, 2, &d), 0);
	assert_true(d == 58354.0);
	assert_int_equal(weir_record__i64(r, 3, &i), 0);
	assert_int_equal(i, 0);
	assert_int_equal(weir_record__u64(r, 3, &u), 0);
	assert_int_equal(weir_record__f64(r, 4, &d), 0);
	assert_int_equal(weir_record__text(r, 5, &text), 0);
	assert_string_equal(text, "DNS");
	assert_int_equal(weir_record__list(r, 6, &list, &count), 0);
	assert_int_equal(count, 2);
	assert_true(list[0] > 0 && list[1] > list[0]);
	assert_int_equal(weir_record__u64(r, 7, &u), -ENODATA);
	assert_int_equal(weir_record__format(r, 7, buffer, sizeof(buffer)), 0);
	assert_int_equal(weir_record__format(r, 0, buffer, sizeof(buffer)), 9);
	assert_string_equal(buffer, "192.0.2.1");
	assert_int_equal(weir_record__format(r, 0, small, sizeof(small)), 9);
	assert_string_equal(small, "192");
	assert_int_equal(weir_record__format(r, 0, NULL, 0), 9);
	assert_int_equal(weir_record__format(r, 1, buffer, sizeof(buffer)), 10);
	assert_string_equal(buffer, "3221225985");

	assert_int_equal(weir_record__u64(r, 5, &u), -EINVAL);
	assert_int_equal(weir_record__text(r, 2, &text), -EINVAL);
	assert_int_equal(weir_record__list(r, 2, &list, &count), -EINVAL);
	assert_int_equal(weir_record__u64(r, 9, &u), -ENOENT);
	assert_int_equal(weir_record__u64(r, -1, &u), -ENOENT);
	assert_int_equal(weir_record__id(r, "no_such"), -ENOENT);
	weir_streamer__free(s);
}

static void columns(void **state)
{
	static const char *const settings[] = { "fields=src_ip,dst_port,duration", NULL };
	struct weir_streamer *s = open_with(DEMO, settings);
	const struct weir_column *c = weir_streamer__column(s, 2);

	(void)state;
	assert_int_equal(weir_streamer__column_count(s), 3);
	assert_int_equal(weir_streamer__column_id(s, "dst_port"), 1);
	assert_int_equal(weir_streamer__column_id(s, "vlan_id"), -ENOENT);
	assert_string_equal(c->name, "duration");
	assert_string_equal(c->unit, "ms");
	assert_int_equal(c->type, WEIR_UINT);
	assert_int_equal(c->ipfix_id, 161);
	assert_int_equal(weir_streamer__column(s, 0)->type, WEIR_ADDRESS);
	assert_null(weir_streamer__column(s, 3));
	assert_null(weir_streamer__column(s, -1));
	weir_streamer__free(s);
}

/* Rows hold what the getters say, whatever the size of the buffer. */
static void rows(void **state)
{
	static const char *const settings[] = {
		"fields=src_ip,src_port,application_name,ip_src,splt_ps,client_rtt_us", "splt=4",
		NULL
	};
	uint64_t buffer[200];
	size_t sizes[] = { 200, 400, sizeof(buffer) }, used;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct weir_streamer *s = open_with(DEMO, settings);
		struct weir_streamer *twin = open_with(DEMO, settings);
		const struct weir_record *r;
		int n, flows = 0;

		while ((n = weir_streamer__next_rows(s, buffer, sizes[i], &used, -1)) > 0) {
			uint64_t *row = buffer;

			for (int k = 0; k < n; k++) {
				const char *bytes = (const char *)(row + 1);
				uint64_t length = row[0], ip = row[1], port = row[2], rtt = row[6];
				uint64_t list = row[5], u;
				char text[64];

				assert_int_equal(weir_streamer__next(twin, &r, -1), 1);
				weir_record__format(r, 0, text, sizeof(text));
				assert_int_equal(ip >> 32, strlen(text));
				assert_memory_equal(bytes + (uint32_t)ip, text, ip >> 32);
				assert_int_equal(port, number(r, "src_port"));
				assert_int_equal(list >> 32, 32);
				assert_int_equal((uint32_t)list % 8, 0);
				assert_int_equal(row[4] >> 32, 16);
				if (weir_record__u64(r, 5, &u))
					u = (uint64_t)WEIR_ABSENT;
				assert_true(rtt == u);
				row += 1 + length / 8;
				flows++;
			}
			assert_ptr_equal((char *)row, (char *)buffer + used);
		}
		assert_int_equal(n, 0);
		assert_int_equal(flows, DEMO_FLOWS);
		weir_streamer__free(s);
		weir_streamer__free(twin);
	}
}

/* A row that does not fit waits for a larger buffer, or for weir_streamer__next(). */
static void row_waits(void **state)
{
	struct weir_streamer *s = open_with(DEMO, NULL);
	const struct weir_record *r;
	uint64_t small[4], large[512];
	size_t used;
	int flows = 2, n;

	(void)state;
	assert_int_equal(weir_streamer__next_rows(s, small, sizeof(small), &used, -1), -ENOSPC);
	assert_int_equal(used, 0);
	assert_int_equal(weir_streamer__next(s, &r, -1), 1);
	assert_int_equal(number(r, "flow_id"), 0);
	assert_int_equal(weir_streamer__next_rows(s, small, sizeof(small), &used, -1), -ENOSPC);
	n = weir_streamer__next_rows(s, large, 1024, &used, -1);
	assert_true(n >= 1);
	for (flows = n + 1; weir_streamer__next(s, &r, -1) == 1; flows++)
		;
	assert_int_equal(flows, DEMO_FLOWS);
	weir_streamer__free(s);
}

static void freed_early(void **state)
{
	struct weir_streamer *s = open_with(DEMO, NULL);
	const struct weir_record *r;

	(void)state;
	weir_streamer__free(s);
	s = open_with(DEMO, NULL);
	assert_int_equal(weir_streamer__next(s, &r, -1), 1);
	weir_streamer__free(s);
	weir_streamer__free(NULL);
}

/* --- outputs ---------------------------------------------------------------------------------- */

static void writes(void **state)
{
	char path[] = "/tmp/weir-streamer-XXXXXX", output[64], line[256];
	const char *settings[] = { output, "fields=flow_id", NULL };
	struct weir_streamer *s;
	const struct weir_record *r;
	int lines = 0, n;
	FILE *f;

	(void)state;
	assert_int_equal(close(mkstemp(path)), 0);
	snprintf(output, sizeof(output), "output=csv:%s", path);
	s = open_with(DEMO, settings);
	while ((n = weir_streamer__write(s, 0)) == 1) {
		assert_int_equal(weir_streamer__next(s, &r, 0), -EINVAL);
		assert_null(r);
	}
	assert_int_equal(n, 0);
	assert_int_equal(weir_streamer__write(s, 0), 0);
	weir_streamer__free(s);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	unlink(path);
	assert_int_equal(lines, 1 + DEMO_FLOWS);
}

/* --- settings and errors ---------------------------------------------------------------------- */

static char logged[1024];

static void keep(void *context, enum weir_log_level level, const char *message)
{
	(void)context;
	snprintf(logged, sizeof(logged), "%d %s", level, message);
}

static void refused(const char *source, const char *setting, int err, const char *words)
{
	const char *settings[] = { setting, NULL };
	const struct weir_streamer_opts opts = {
		.sz = sizeof(opts),
		.source = source,
		.settings = settings,
		.log = keep,
	};
	struct weir_streamer *s = (void *)1;

	logged[0] = '\0';
	assert_int_equal(weir_streamer__open(&s, &opts), err);
	assert_null(s);
	assert_non_null(strstr(weir_last_error(), words));
	assert_int_equal(logged[0], '0' + WEIR_LOG_ERROR);
	assert_string_equal(logged + 2, weir_last_error());
}

static void bad_settings(void **state)
{
	(void)state;
	refused(NULL, NULL, -EINVAL, "nothing to read");
	refused(DEMO, "no-such=1", -EINVAL, "no-such: unknown setting");
	refused(DEMO, "help", -EINVAL, "help: unknown setting");
	refused(DEMO, "config=x.yaml", -EINVAL, "config: unknown setting");
	refused(DEMO, "splt=-1", -EINVAL, "splt: -1 is out of range");
	refused(DEMO, "splt=few", -EINVAL, "splt: \"few\" is not a whole number");
	refused(DEMO, "splt=70000", -EINVAL, "out of range");
	refused(DEMO, "splt=", -EINVAL, "is empty");
	refused(DEMO, "fields=nope", -EINVAL, "unknown column \"nope\"");
	refused(DEMO, "filter=my filter", -EINVAL, "filter");
	refused(DEMO, "interface=lo", -EINVAL, "files or from interfaces");
	refused("no-such-0", NULL, -ENODEV, "no such interface");
	refused("/", NULL, -EIO, "is a directory");
	refused("Makefile", NULL, -EIO, "weir reads pcap and pcapng files");
}

static void sizes_of_options(void **state)
{
	/* A newer program: its unknown fields may be zero, but not used. */
	struct {
		struct weir_streamer_opts opts;
		uint64_t more;
	} newer = { .opts = { .sz = sizeof(newer), .source = DEMO } };
	/* An older one knows sz and source alone. */
	struct weir_streamer_opts older = { .sz = offsetof(struct weir_streamer_opts, settings),
					    .source = DEMO,
					    .settings = (void *)1 };
	struct weir_streamer_opts none = { .source = DEMO };
	struct weir_streamer *s;

	(void)state;
	assert_int_equal(weir_streamer__open(&s, &newer.opts), 0);
	weir_streamer__free(s);
	newer.more = 1;
	assert_int_equal(weir_streamer__open(&s, &newer.opts), -E2BIG);
	assert_int_equal(weir_streamer__open(&s, &older), 0);
	weir_streamer__free(s);
	assert_int_equal(weir_streamer__open(&s, &none), -EINVAL);
	assert_int_equal(weir_streamer__open(&s, NULL), -EINVAL);
	assert_null(s);
}

static void setting_is(const struct weir_streamer *s, const char *name, const char *value)
{
	char text[128];

	assert_int_equal(weir_streamer__setting(s, name, text, sizeof(text)), strlen(value));
	assert_string_equal(text, value);
}

static void settings_as_text(void **state)
{
	static const char *const settings[] = {
		"idle-timeout=1500ms",
		"splt=7",
		"tunnels=vxlan,gtp",
		"accounting=ip",
		"stats",
		"no-dissect=true",
		"output=csv:a",
		"output=json:b",
		"rotate=60s",
		"fields=src_ip",
		NULL,
	};
	struct weir_streamer *s = open_with(DEMO, settings);
	char small[3];

	(void)state;
	setting_is(s, "idle-timeout", "1.5");
	setting_is(s, "active-timeout", "300");
	setting_is(s, "splt", "7");
	setting_is(s, "tunnels", "gtp,vxlan");
	setting_is(s, "accounting", "ip");
	setting_is(s, "stats", "true");
	setting_is(s, "no-dissect", "true");
	setting_is(s, "quiet", "false");
	setting_is(s, "output", "csv:a,json:b");
	setting_is(s, "rotate", "60s");
	setting_is(s, "fields", "src_ip");
	setting_is(s, "pin", "");
	assert_int_equal(weir_streamer__setting(s, "output", small, sizeof(small)), 12);
	assert_string_equal(small, "cs");
	assert_int_equal(weir_streamer__setting(s, "nope", small, sizeof(small)), -ENOENT);
	weir_streamer__free(s);
}

/* The first file's flows come, then the error of the second one, then the end. */
static void second_file_is_missing(void **state)
{
	static const char *const settings[] = { "read=" DEMO, "read=/no/such.pcap", NULL };
	struct weir_streamer *s = open_with(NULL, settings);
	const struct weir_record *r;
	int flows = 0, n;

	(void)state;
	while ((n = weir_streamer__next(s, &r, -1)) == 1)
		flows++;
	assert_int_equal(flows, DEMO_FLOWS);
	assert_int_equal(n, -EIO);
	assert_non_null(strstr(weir_last_error(), "/no/such.pcap"));
	assert_int_equal(weir_streamer__next(s, &r, -1), 0);
	weir_streamer__free(s);
}

static void counters(void **state)
{
	struct weir_streamer *s = open_with(DEMO, NULL);
	struct weir_status status = { .sz = sizeof(status) };
	const struct weir_record *r;
	uint64_t seen = 0, parts = 0, values[100] = { 0 };
	struct stat st;
	size_t i;

	(void)state;
	while (weir_streamer__next(s, &r, -1) == 1)
		;
	for (i = 0; weir_counter_name(i); i++) {
		const char *name = weir_counter_name(i);
		uint64_t value = weir_streamer__counter(s, i);

		if (!strcmp(name, "seen"))
			seen = value;
		else if (!strcmp(name, "metered") || !strcmp(name, "filtered") ||
			 !strncmp(name, "ignored.", 8) || !strncmp(name, "lost.", 5))
			parts += value;
		assert_int_equal(weir_streamer__counter_by_name(s, name), value);
	}
	assert_true(seen > 0);
	assert_int_equal(weir_streamer__counters(s, values, 2), i);
	assert_true(values[0] == seen && values[1] == weir_streamer__counter(s, 1) && !values[2]);
	assert_int_equal(weir_streamer__counters(s, values, 100), i);
	assert_int_equal(values[i - 1], weir_streamer__counter(s, i - 1));
	assert_int_equal(seen, parts);
	assert_true(weir_streamer__counter(s, i) == UINT64_MAX);
	assert_true(weir_streamer__counter_by_name(s, "nope") == UINT64_MAX);
	assert_int_equal(weir_streamer__status(s, &status), 0);
	assert_int_equal(stat(DEMO, &st), 0);
	assert_int_equal(status.sz, sizeof(status));
	assert_int_equal(status.source_bytes, st.st_size);
	assert_int_equal(status.read_bytes, st.st_size);
	assert_int_equal(status.live_flows, 0);
	assert_int_equal(status.map_max, 0);
	status.sz = 0;
	assert_int_equal(weir_streamer__status(s, &status), -EINVAL);
	weir_streamer__free(s);
}

/* --- waiting and stopping --------------------------------------------------------------------- */

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void descriptor(void **state)
{
	struct weir_streamer *s = open_with(DEMO, NULL);
	const struct weir_record *r;
	int fd = weir_streamer__fd(s), flows = 0, n;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(weir_streamer__fd(s), fd);
	do {
		assert_true(is_readable(fd));
		n = weir_streamer__next(s, &r, 0);
		flows += n == 1;
	} while (n == 1 || n == -EAGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(flows, DEMO_FLOWS);
	assert_true(is_readable(fd)); /* the end is something to see */
	weir_streamer__free(s);
}

static void *stop_soon(void *streamer)
{
	usleep(100000);
	weir_streamer__stop(streamer);
	return NULL;
}

/* An interface without packets: nothing comes in time, and another thread ends the wait. */
static void stop_from_a_thread(void **state)
{
	static const char *const settings[] = { "hook=pcap", "quiet",
						"filter=udp port 9 and port 10", NULL };
	struct weir_streamer *s;
	const struct weir_record *r;
	pthread_t thread;
	int fd;

	(void)state;
	if (geteuid())
		skip(); /* watching lo needs CAP_NET_RAW */
	s = open_with("lo", settings);
	assert_int_equal(weir_streamer__next(s, &r, 0), -EAGAIN);
	assert_int_equal(weir_streamer__next(s, &r, 50), -EAGAIN);
	assert_null(r);
	fd = weir_streamer__fd(s);
	assert_int_equal(weir_streamer__next(s, &r, 0), -EAGAIN);
	usleep(40000);
	assert_true(is_readable(fd)); /* it wants a step now and then */
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, s), 0);
	assert_int_equal(weir_streamer__next(s, &r, -1), 0);
	pthread_join(thread, NULL);
	weir_streamer__free(s);
}

static void stop_before_the_first_packet(void **state)
{
	struct weir_streamer *s = open_with(DEMO, NULL);
	const struct weir_record *r;

	(void)state;
	weir_streamer__stop(s);
	assert_int_equal(weir_streamer__next(s, &r, -1), 0);
	assert_int_equal(weir_streamer__counter_by_name(s, "seen"), 0);
	weir_streamer__free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iterates),
		cmocka_unit_test(getters),
		cmocka_unit_test(columns),
		cmocka_unit_test(rows),
		cmocka_unit_test(row_waits),
		cmocka_unit_test(freed_early),
		cmocka_unit_test(writes),
		cmocka_unit_test(bad_settings),
		cmocka_unit_test(sizes_of_options),
		cmocka_unit_test(settings_as_text),
		cmocka_unit_test(second_file_is_missing),
		cmocka_unit_test(counters),
		cmocka_unit_test(descriptor),
		cmocka_unit_test(stop_from_a_thread),
		cmocka_unit_test(stop_before_the_first_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
