/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of records and outputs share: messages caught in memory, a directory of files
 * that goes away, columns by name and a record with a value in every kind of column.
 */
#ifndef TESTS_UNIT_OUTPUTS_H
#define TESTS_UNIT_OUTPUTS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Messages between begin and end; text is the caller's to free. */
struct said {
	FILE *terminal;
	char *text;
	size_t size;
};

static inline void said_begin(struct said *s)
{
	*s = (struct said){ .terminal = stderr };
	stderr = open_memstream(&s->text, &s->size);
	assert_non_null(stderr);
}

static inline void said_end(struct said *s)
{
	fclose(stderr);
	stderr = s->terminal;
}

/* Ends the catching: one line that holds these words was said; NULL: nothing. */
static inline void said_expect(struct said *s, const char *words)
{
	said_end(s);
	if (!words) {
		assert_string_equal(s->text, "");
	} else {
		if (!strstr(s->text, words))
			fail_msg("\"%s\" is not in \"%s\"", words, s->text);
		assert_ptr_equal(strchr(s->text, '\n'), s->text + strlen(s->text) - 1);
	}
	free(s->text);
}

/* A directory of the test, where it runs. */
struct files {
	char path[32];
	char name[200];
};

static inline void files_begin(struct files *f)
{
	strcpy(f->path, "/tmp/weir-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
}

/* Valid until the next call. */
static inline const char *files_at(struct files *f, const char *name)
{
	snprintf(f->name, sizeof(f->name), "%s/%s", f->path, name);
	return f->name;
}

/* Each file once in any order; removed on the way. Returns their number. */
static inline int files_end(struct files *f)
{
	DIR *dir = opendir(f->path);
	int count = 0;

	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir));) {
		if (d->d_name[0] == '.')
			continue;
		assert_int_equal(unlinkat(dirfd(dir), d->d_name, 0), 0);
		count++;
	}
	closedir(dir);
	assert_int_equal(rmdir(f->path), 0);
	return count;
}

static inline void files_write(struct files *f, const char *name, const void *bytes, size_t count)
{
	FILE *file = fopen(files_at(f, name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	fclose(file);
}

static inline void files_expect(struct files *f, const char *name, const char *text)
{
	char *found = calloc(1, 1 << 20);
	FILE *file = fopen(files_at(f, name), "r");

	if (!file)
		fail_msg("%s: %s", f->name, strerror(errno));
	fread(found, 1, (1 << 20) - 1, file);
	fclose(file);
	assert_string_equal(found, text);
	free(found);
}

/* A run that may have every column. */
static inline struct config every_config(void)
{
	static char probe[] = "probe7";

	return (struct config){
		.dissect = true,
		.stats = true,
		.splt = 4,
		.tunnels = ~0u,
		.probe_name = probe,
		.interfaces = { .count = 1 },
		.geoip = { .count = 1 },
		.mac_vendors = probe,
		.attribute = ~0u,
	};
}

/* "a,b,c" of the whole table. */
static inline char *every_column(void)
{
	char *names = NULL;
	size_t size;
	FILE *to = open_memstream(&names, &size);

	assert_non_null(to);
	for (size_t i = 0; i < record_field_count; i++)
		fprintf(to, "%s%s", i ? "," : "", record_fields[i].name);
	fclose(to);
	return names;
}

/* names NULL: every column. */
static inline void choose(struct columns *out, const char *names)
{
	struct config config = every_config();
	char *fields = names ? strdup(names) : every_column();

	config.fields = fields;
	assert_int_equal(columns_select(out, &config, NULL, 0), 0);
	free(fields);
}

static inline void sample_addresses(struct flow_record *r)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t src[4] = { 192, 0, 2, 1 }, dst[4] = { 198, 51, 100, 254 };

	memcpy(r->src_addr, mapped, 12);
	memcpy(r->dst_addr, mapped, 12);
	memcpy(r->src_addr + 12, src, 4);
	memcpy(r->dst_addr + 12, dst, 4);
	r->ip_version = 4;
}

/* 192.0.2.1:40000 -> 198.51.100.254:443, TCP. */
static inline struct flow_record sample_record(void)
{
	static const struct splt_entry splt[3] = {
		{ .gap_ns = 0, .from_dst = 0, .size = 74 },
		{ .gap_ns = 1999999, .from_dst = 1, .size = 1514 },
		{ .gap_ns = 123000000, .from_dst = 0, .size = 66 },
	};
	struct flow_record r = { 0 };

	sample_addresses(&r);
	r.src_port = 40000;
	r.dst_port = 443;
	r.protocol = 6;
	r.probe = "probe7";
	r.application_name = "TLS.Google";
	r.category_name = "Web";
	r.risk_names = "";
	r.splt = splt;
	r.splt_count = 3;
	r.splt_length = 4;
	return r;
}

#endif
