/* SPDX-License-Identifier: BSD-2-Clause */
/* dump: files byte by byte, bounds on packets, sizes and open files, and a disk that is full. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin_rig.h"

extern const struct weir_plugin plugin_dump;

#define S 1000000000ull

static char dir[32];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/weir-dump-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static void path_of(char path[96], const char *name)
{
	snprintf(path, 96, "%s/%s", dir, name);
}

/* Entries of a directory, "." and ".." too. */
static int entries(const char *path)
{
	DIR *listing = opendir(path);
	int n = 0;

	assert_non_null(listing);
	while (readdir(listing))
		n++;
	closedir(listing);
	return n;
}

static int files(void)
{
	return entries(dir) - 2;
}

static int descriptors(void)
{
	return entries("/proc/self/fd");
}

static int remove_dir(void **state)
{
	DIR *listing = opendir(dir);
	const struct dirent *entry;

	(void)state;
	while (listing && (entry = readdir(listing)))
		unlinkat(dirfd(listing), entry->d_name, 0);
	if (listing)
		closedir(listing);
	return rmdir(dir);
}

static void open_dump(struct rig *r, const char *options)
{
	char all[128];

	snprintf(all, sizeof(all), "dir=%s%s", dir, options);
	rig_open(r, &plugin_dump, all);
}

static void send(struct rig *r, const char *payload, uint64_t time_ns)
{
	assert_int_equal(rig_packet(r, &(struct rig_packet){ .payload = payload,
							     .length = strlen(payload),
							     .time_ns = time_ns }),
			 0);
}

/* --- reading back ----------------------------------------------------------------------------- */

struct content {
	uint8_t at[4096];
	ssize_t length, offset;
};

static uint32_t u32(struct content *c)
{
	uint32_t value;

	assert_in_range(c->offset + 4, 0, c->length);
	memcpy(&value, c->at + c->offset, 4);
	c->offset += 4;
	return value;
}

static struct content read_file(const char *name)
{
	struct content c = { .offset = 0 };
	char path[96];
	int fd;

	path_of(path, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	c.length = read(fd, c.at, sizeof(c.at));
	close(fd);
	assert_in_range(c.length, 24, sizeof(c.at) - 1);
	assert_int_equal(u32(&c), 0xa1b23c4d);
	assert_int_equal(u32(&c), 4 << 16 | 2);
	c.offset += 8;
	assert_int_equal(u32(&c), 262144);
	assert_int_equal(u32(&c), 101);
	return c;
}

static void assert_record(struct content *c, uint64_t time_ns, const char *payload, uint32_t cut)
{
	uint32_t length = 28 + strlen(payload);

	assert_int_equal(u32(c), time_ns / S);
	assert_int_equal(u32(c), time_ns % S);
	assert_int_equal(u32(c), length - cut);
	assert_int_equal(u32(c), length);
	assert_int_equal(c->at[c->offset], 0x45);
	assert_memory_equal(c->at + c->offset + 28, payload, strlen(payload) - cut);
	c->offset += length - cut;
}

static void assert_end(const struct content *c)
{
	assert_int_equal(c->offset, c->length);
}

/* The file holds these packets, sent a second after the other. */
static void assert_file(const char *name, const char *const *payloads, int count)
{
	struct content c = read_file(name);

	for (int i = 0; i < count; i++)
		assert_record(&c, i * S, payloads[i], 0);
	assert_end(&c);
}

static void assert_columns(const struct rig *r, const char *file, uint32_t count, uint64_t packets)
{
	assert_string_equal(rig_chars(r, "dump_file"), file);
	assert_int_equal(*(const uint32_t *)rig_column(r, "dump_files", WEIR_STORE_U32), count);
	assert_int_equal(rig_u64(r, "dump_packets"), packets);
}

/* --- files ------------------------------------------------------------------------------------ */

static void one_flow_a_file(void **state)
{
	static const char *const packets[] = { "one", "two", "three" };
	struct stat st;
	struct rig r;
	char path[96];
	struct content c;

	(void)state;
	open_dump(&r, "");
	assert_int_equal(r.packets, WEIR_EVERY_PACKET);
	for (int i = 0; i < 3; i++)
		send(&r, packets[i], i * S);
	assert_file("flow-0.pcap", packets, 3); /* before the flow ends */
	assert_int_equal(rig_expire(&r), 0);
	assert_columns(&r, "flow-0.pcap", 1, 3);
	rig_release(&r);
	r.flow.flow_id = 18446744073709551614ull;
	send(&r, "x", 1700000000 * S + 123456789);
	assert_int_equal(rig_show(&r, NULL), 0);
	assert_int_equal(rig_expire(&r), 0);
	assert_columns(&r, "flow-18446744073709551614.pcap", 1, 1);
	rig_release(&r);
	rig_close(&r);
	c = read_file("flow-18446744073709551614.pcap");
	assert_record(&c, 1700000000 * S + 123456789, "x", 0);
	assert_end(&c);
	path_of(path, "flow-0.pcap");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(files(), 2);
}

/* The link's padding is left out, what was cut is told, and packets without bytes are not there. */
static void sizes(void **state)
{
	struct rig_packet p = { .payload = "abcd", .length = 4, .padding = 14 };
	struct content c;
	struct rig r;

	(void)state;
	open_dump(&r, "");
	assert_int_equal(rig_packet(&r, &p), 0);
	p.padding = 0;
	p.cut = 3;
	assert_int_equal(rig_packet(&r, &p), 0);
	p.cut = 0;
	p.no_bytes = true;
	assert_int_equal(rig_packet(&r, &p), 0);
	assert_int_equal(rig_expire(&r), 0);
	assert_columns(&r, "flow-0.pcap", 1, 2);
	rig_release(&r);
	c = read_file("flow-0.pcap");
	assert_record(&c, 0, "abcd", 0);
	assert_record(&c, 0, "abcd", 3);
	assert_end(&c);
	assert_int_equal(rig_packet(&r, &p), 0); /* no bytes at all: no file */
	assert_int_equal(rig_expire(&r), 0);
	assert_columns(&r, "", 0, 0);
	rig_release(&r);
	rig_close(&r);
	assert_int_equal(files(), 1);
}

/* Two full segments of 6 and one of 4 bytes; 40 of headers, once. */
static void super_packet(void **state)
{
	struct rig_packet p = { .protocol = PROTO_TCP,
				.payload = "abcd",
				.length = 4,
				.segments = 3,
				.segment_extra = 2,
				.cut = 5 };
	struct content c;
	struct rig r;

	(void)state;
	open_dump(&r, "");
	assert_int_equal(rig_packet(&r, &p), 0);
	rig_release(&r);
	rig_close(&r);
	c = read_file("flow-0.pcap");
	c.offset += 8;
	assert_int_equal(u32(&c), 40 + 16 - 5);
	assert_int_equal(u32(&c), 40 + 16);
	assert_int_equal(c.length - c.offset, 40 + 16 - 5);
}

static void first_packets(void **state)
{
	static const char *const packets[] = { "one", "two", "three" };
	struct rig r;

	(void)state;
	open_dump(&r, ",packets=2");
	assert_int_equal(r.packets, 2);
	for (int i = 0; i < 3; i++)
		send(&r, packets[i], i * S);
	assert_int_equal(rig_expire(&r), 0);
	assert_columns(&r, "flow-0.pcap", 1, 2);
	rig_release(&r);
	rig_close(&r);
	assert_file("flow-0.pcap", packets, 2);
}

/* 24 bytes of header, 16 + 28 + 4 a packet: two of them in 120 bytes, one in 119 or in 1. */
static void rotation(void **state)
{
	static const char *const packets[] = { "aaaa", "bbbb", "cccc", "dddd", "eeee" };
	static const struct {
		const char *options;
		int a_file, count;
	} cases[] = { { ",rotate=120", 2, 3 }, { ",rotate=119", 1, 5 }, { ",rotate=1", 1, 5 },
		      { ",rotate=240", 4, 2 }, { ",rotate=0", 5, 1 },   { "", 5, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;

		open_dump(&r, cases[i].options);
		for (int n = 0; n < 5; n++)
			send(&r, packets[n], n % cases[i].a_file * S);
		assert_int_equal(rig_expire(&r), 0);
		assert_columns(&r, "flow-0.pcap", cases[i].count, 5);
		rig_release(&r);
		rig_close(&r);
		assert_int_equal(files(), cases[i].count);
		for (int n = 0; n < cases[i].count; n++) {
			int from = n * cases[i].a_file, left = 5 - from;
			char name[32] = "flow-0.pcap";

			if (n)
				snprintf(name, sizeof(name), "flow-0.%d.pcap", n);
			assert_file(name, packets + from,
				    left < cases[i].a_file ? left : cases[i].a_file);
		}
		assert_int_equal(remove_dir(NULL), 0);
		assert_int_equal(make_dir(NULL), 0);
	}
}

/* --- many flows at once ----------------------------------------------------------------------- */

#define FLOWS 10

/* Flows take turns, so that with few places each packet closes a file and opens one. */
static void turns(const char *options, int places)
{
	static const char *const packets[] = { "one", "two", "three" };
	struct rig r;
	void *states[FLOWS] = { NULL };
	struct weir_flow flows[FLOWS] = { { 0 } };
	int before = descriptors();

	open_dump(&r, options);
	for (int n = 0; n < 3; n++) {
		for (int i = 0; i < FLOWS; i++) {
			r.state = states[i];
			r.flow = flows[i];
			r.flow.flow_id = i;
			send(&r, packets[n], n * S);
			states[i] = r.state;
			flows[i] = r.flow;
			assert_in_range(descriptors(), before, before + 1 + places);
		}
	}
	assert_int_equal(descriptors(), before + 1 + places);
	for (int i = 0; i < FLOWS; i++) {
		char name[32];

		r.state = states[i];
		r.flow = flows[i];
		assert_int_equal(rig_expire(&r), 0);
		snprintf(name, sizeof(name), "flow-%d.pcap", i);
		assert_columns(&r, name, 1, 3);
		rig_release(&r);
		assert_file(name, packets, 3);
	}
	assert_int_equal(descriptors(), before + 1); /* all ended: only the directory is open */
	rig_close(&r);
	assert_int_equal(descriptors(), before);
	assert_int_equal(files(), FLOWS);
	assert_int_equal(remove_dir(NULL), 0);
	assert_int_equal(make_dir(NULL), 0);
}

static void bounded_descriptors(void **state)
{
	(void)state;
	turns("", FLOWS);
	turns(",max-files=1", 1);
	turns(",max-files=2", 2);
	turns(",max-files=9", 9);
	turns(",max-files=10", 10);
}

/* Of two places the one that was written least recently is given up, a free one before it. */
static void least_recent(void **state)
{
	struct rig r;
	void *states[3] = { NULL };
	static const int order[] = { 0, 1, 0, 2 }; /* 1 is closed for 2 */
	char path[96], target[96];
	int found = 0;

	(void)state;
	open_dump(&r, ",max-files=2");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		r.state = states[order[i]];
		r.flow = (struct weir_flow){ .flow_id = order[i] };
		send(&r, "x", 0);
		states[order[i]] = r.state;
	}
	for (int fd = 0; fd < 64; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		found |= strstr(target, "flow-0.pcap") ? 1 : 0;
		found |= strstr(target, "flow-1.pcap") ? 2 : 0;
		found |= strstr(target, "flow-2.pcap") ? 4 : 0;
	}
	assert_int_equal(found, 1 | 4);
	for (int i = 0; i < 3; i++) {
		r.state = states[i];
		rig_release(&r);
	}
	rig_close(&r);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

/* No room in the middle of a packet: the error is told, and the file ends with a whole packet. */
static void full(void **state)
{
	static const char *const packets[] = { "aaaa", "bbbb" };
	struct rlimit old, small = { 24 + 48 + 48 + 20, RLIM_INFINITY };
	struct rig_packet third = { .payload = "cccc", .length = 4 };
	struct rig r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	open_dump(&r, "");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	send(&r, packets[0], 0);
	send(&r, packets[1], S);
	assert_int_equal(rig_packet(&r, &third), -ENOSPC); /* 20 of 48 bytes were written */
	small.rlim_cur = 24 + 48 + 48;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(rig_packet(&r, &third), -EFBIG); /* none */
	assert_columns(&r, "flow-0.pcap", 1, 2);
	rig_release(&r);
	small.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(rig_packet(&r, &third), -ENOSPC); /* not even the header */
	assert_columns(&r, "", 0, 0);
	rig_release(&r);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	rig_close(&r);
	assert_int_equal(files(), 1);
	assert_file("flow-0.pcap", packets, 2);
}

/* Somebody put something in the way: it is neither followed nor overwritten. */
static void in_the_way(void **state)
{
	struct rig_packet p = { .payload = "x", .length = 1 };
	char path[96], target[96];
	struct rig r;

	(void)state;
	open_dump(&r, "");
	path_of(path, "flow-0.pcap");
	path_of(target, "target");
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(rig_packet(&r, &p), -EEXIST);
	assert_columns(&r, "", 0, 0);
	rig_release(&r);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(rig_packet(&r, &p), 0); /* the next flow */
	assert_int_equal(rig_expire(&r), 0);
	rig_release(&r);
	rig_close(&r);
	assert_int_equal(files(), 2);
}

/* A file that vanished while it was closed is not made anew without its beginning. */
static void taken_away(void **state)
{
	struct rig_packet p = { .payload = "x", .length = 1 };
	void *first;
	char path[96];
	struct rig r;

	(void)state;
	open_dump(&r, ",max-files=1");
	send(&r, "x", 0);
	first = r.state;
	r.state = NULL;
	r.flow.flow_id = 1;
	send(&r, "x", 0);
	rig_release(&r);
	path_of(path, "flow-0.pcap");
	assert_int_equal(unlink(path), 0);
	r.state = first;
	r.flow.flow_id = 0;
	assert_int_equal(rig_packet(&r, &p), -ENOENT);
	rig_release(&r);
	rig_close(&r);
	assert_int_equal(files(), 1);
}

static void options(void **state)
{
	char text[128], words[192], path[96];
	int fd, before = descriptors();

	(void)state;
	rig_refused(&plugin_dump, "", "dir is missing, as in dir=/var/tmp/flows");
	rig_refused(&plugin_dump, "dir=", "dir is missing, as in dir=/var/tmp/flows");
	rig_refused(&plugin_dump, "dir=/no/such", "dir: /no/such: No such file or directory");
	rig_refused(&plugin_dump, "dir=/dev/null", "dir: /dev/null: Not a directory");
	rig_refused(&plugin_dump, "dir=/tmp,max-files=0",
		    "max-files: \"0\" is no number from 1 to 65536");
	rig_refused(&plugin_dump, "dir=/tmp,packets=4294967296",
		    "packets: \"4294967296\" is no number from 0 to 4294967295");
	rig_refused(&plugin_dump, "dir=/tmp,rotate=1MB",
		    "rotate: \"1MB\" is no number from 0 to 18446744073709551615");
	rig_refused(&plugin_dump, "dir=/tmp,file=x",
		    "\"file\" is none of its options: dir, packets, rotate, max-files");
	path_of(path, "flow-9.pcap");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	snprintf(text, sizeof(text), "dir=%s", dir);
	snprintf(words, sizeof(words), "dir: %s holds flow-*.pcap of another run", dir);
	rig_refused(&plugin_dump, text, words);
	assert_int_equal(descriptors(), before);
}

#define IN_A_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIR(one_flow_a_file), IN_A_DIR(sizes),    IN_A_DIR(super_packet),
		IN_A_DIR(first_packets),   IN_A_DIR(rotation), IN_A_DIR(bounded_descriptors),
		IN_A_DIR(least_recent),    IN_A_DIR(full),     IN_A_DIR(in_the_way),
		IN_A_DIR(taken_away),      IN_A_DIR(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
