/* SPDX-License-Identifier: BSD-2-Clause */
/* Where rows go: whole, in the right file, with one line said when they cannot. */
#include "outputs.h"

#include <signal.h>
#include <sys/wait.h>

#include "outfile.h"

#define S         1000000000ull
#define DAY       (86400 * S)
#define START_NS  (1700000040 * S) /* 2023-11-14 22:14:00 UTC */
#define WRITE_ALL (64 * 1024)

static struct files files;

static int begin(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	files_begin(&files);
	return 0;
}

static void open_file(struct outfile *f, const char *pattern, struct rotation rotation)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s", files_at(&files, pattern));
	assert_int_equal(outfile_open(f, path, &rotation, false), 0);
	assert_int_equal(outfile_begin(f), 0);
	text_string(&f->header, "H\n");
	if (f->fd >= 0)
		text_string(&f->rows, "H\n");
}

static void write_row(struct outfile *f, uint64_t now_ns, const char *row)
{
	assert_int_equal(outfile_begin_row(f, now_ns), 0);
	text_string(&f->rows, row);
	assert_int_equal(outfile_end_row(f), 0);
}

static void one_file(void **state)
{
	struct outfile f;

	(void)state;
	open_file(&f, "a.csv", (struct rotation){ 0 });
	write_row(&f, START_NS, "1\n");
	write_row(&f, 0, "2\n");
	files_expect(&files, "a.csv", "");
	assert_int_equal(outfile_flush(&f), 0);
	files_expect(&files, "a.csv", "H\n1\n2\n");
	write_row(&f, 0, "3\n");
	assert_int_equal(outfile_close(&f), 0);
	files_expect(&files, "a.csv", "H\n1\n2\n3\n");
	assert_int_equal(files_end(&files), 1);
}

static void no_rows(void **state)
{
	struct outfile f;

	(void)state;
	open_file(&f, "a.csv", (struct rotation){ 0 });
	assert_int_equal(outfile_close(&f), 0);
	files_expect(&files, "a.csv", "H\n");
	open_file(&f, "b.csv", (struct rotation){ .bytes = 1 });
	assert_int_equal(outfile_flush(&f), 0);
	assert_int_equal(outfile_close(&f), 0);
	assert_int_equal(files_end(&files), 1); /* the name would have been a row's time */
}

/* A run of weir with --append: its header only where there is nothing yet. */
static void append_run(const char *name, uint64_t bytes, bool always, const char *row)
{
	struct outfile f;
	char path[256];

	snprintf(path, sizeof(path), "%s", files_at(&files, name));
	assert_int_equal(outfile_open(&f, path, &(struct rotation){ .bytes = bytes }, true), 0);
	assert_int_equal(outfile_begin(&f), 0);
	text_string(&f.header, "H\n");
	f.header_always = always;
	if (outfile_wants_header(&f))
		text_string(&f.rows, "H\n");
	write_row(&f, START_NS, row);
	assert_int_equal(outfile_close(&f), 0);
}

static void an_old_file_goes_on(void **state)
{
	(void)state;
	append_run("a.csv", 0, false, "1\n");
	append_run("a.csv", 0, false, "2\n");
	files_expect(&files, "a.csv", "H\n1\n2\n");
	append_run("a.csv", 0, true, "3\n");
	files_expect(&files, "a.csv", "H\n1\n2\nH\n3\n");
	append_run("b.csv", 6, false, "1\n");
	append_run("b.csv", 6, false, "2\n");
	append_run("b.csv", 6, true, "3\n");
	files_expect(&files, "b.csv", "H\n1\n2\nH\n3\n");
	assert_int_equal(files_end(&files), 2);
}

/* What was moved away is followed by a new file; what is in place, and what is none, goes on. */
static void moved_away(void **state)
{
	struct outfile f;
	char from[256];

	(void)state;
	open_file(&f, "a.csv", (struct rotation){ 0 });
	write_row(&f, START_NS, "1\n");
	assert_int_equal(outfile_flush(&f), 0);
	assert_int_equal(outfile_reopen(&f), 0);
	write_row(&f, START_NS, "2\n");
	assert_int_equal(outfile_flush(&f), 0);
	snprintf(from, sizeof(from), "%s", files_at(&files, "a.csv"));
	assert_int_equal(rename(from, files_at(&files, "b.csv")), 0);
	assert_int_equal(outfile_reopen(&f), 0);
	assert_true(outfile_is_due(&f, START_NS));
	write_row(&f, START_NS, "3\n");
	assert_int_equal(outfile_flush(&f), 0);
	files_expect(&files, "a.csv", "H\n3\n");
	files_expect(&files, "b.csv", "H\n1\n2\n");
	assert_int_equal(outfile_close(&f), 0);
	assert_int_equal(outfile_open(&f, "-", &(struct rotation){ 0 }, false), 0);
	assert_int_equal(outfile_reopen(&f), 0);
	assert_int_equal(f.fd, 1);
	assert_int_equal(outfile_close(&f), 0);
	assert_int_equal(files_end(&files), 2);
}

static void an_old_file_is_replaced(void **state)
{
	struct outfile f;

	(void)state;
	files_write(&files, "a.csv", "from before", 11);
	open_file(&f, "a.csv", (struct rotation){ 0 });
	assert_int_equal(outfile_close(&f), 0);
	files_expect(&files, "a.csv", "H\n");
	files_end(&files);
}

/* A reader sees whole rows at any moment, though several are written at once. */
static void rows_are_written_whole(void **state)
{
	struct outfile f;
	struct stat st;
	char row[1001];

	(void)state;
	memset(row, 'x', sizeof(row) - 2);
	strcpy(row + sizeof(row) - 2, "\n");
	open_file(&f, "a.csv", (struct rotation){ 0 });
	for (int i = 0; i < 1000; i++) {
		write_row(&f, START_NS, row);
		assert_int_equal(fstat(f.fd, &st), 0);
		if (st.st_size)
			assert_int_equal((st.st_size - 2) % 1000, 0);
		assert_in_range(2 + (i + 1) * 1000 - st.st_size, 0, WRITE_ALL);
	}
	assert_int_equal(outfile_close(&f), 0);
	files_end(&files);
}

static void rotation_by_time(void **state)
{
	struct outfile f;

	(void)state;
	open_file(&f, "f-%Y%m%d-%H%M%S.csv", (struct rotation){ .interval_ns = 60 * S });
	write_row(&f, START_NS + 59 * S, "1\n");
	write_row(&f, START_NS + 60 * S - 1, "2\n");
	write_row(&f, START_NS + 60 * S, "3\n");
	write_row(&f, START_NS + 5 * S, "late\n"); /* a flow that ended in silence */
	write_row(&f, START_NS + 600 * S, "4\n");
	assert_int_equal(outfile_close(&f), 0);
	files_expect(&files, "f-20231114-221400.csv", "H\n1\n2\n");
	files_expect(&files, "f-20231114-221500.csv", "H\n3\nlate\n");
	files_expect(&files, "f-20231114-222400.csv", "H\n4\n");
	assert_int_equal(files_end(&files), 3);
}

static void rotation_by_size(void **state)
{
	struct outfile f;

	(void)state;
	open_file(&f, "g.csv", (struct rotation){ .bytes = 7 });
	for (int i = 0; i < 5; i++)
		write_row(&f, START_NS, "123\n");
	assert_int_equal(outfile_close(&f), 0);
	files_expect(&files, "g.csv", "H\n123\n123\n");
	files_expect(&files, "g.1.csv", "H\n123\n123\n");
	files_expect(&files, "g.2.csv", "H\n123\n");
	assert_int_equal(files_end(&files), 3);
}

/* Packet time may run back, and a pattern may come round: nothing of the run is overwritten. */
static void names_that_come_again(void **state)
{
	struct outfile f;

	(void)state;
	open_file(&f, "%H.tar.csv", (struct rotation){ .bytes = 1 });
	write_row(&f, START_NS, "1\n");
	write_row(&f, START_NS + 3600 * S, "2\n");
	write_row(&f, START_NS, "3\n");
	write_row(&f, START_NS + DAY, "4\n");
	write_row(&f, START_NS + DAY, "5\n");
	assert_int_equal(outfile_close(&f), 0);
	files_expect(&files, "22.tar.csv", "H\n1\n");
	files_expect(&files, "23.tar.csv", "H\n2\n");
	files_expect(&files, "23.tar.1.csv", "H\n3\n");
	files_expect(&files, "22.tar.1.csv", "H\n4\n");
	files_expect(&files, "22.tar.2.csv", "H\n5\n");
	assert_int_equal(files_end(&files), 5);
}

/* The number stands before the extension; a dot of a directory is none. */
static void numbered_names(void **state)
{
	struct outfile f;
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s.d", files.path);
	assert_int_equal(mkdir(path, 0777), 0);
	strcat(path, "/flows");
	assert_int_equal(outfile_open(&f, path, &(struct rotation){ .bytes = 1 }, false), 0);
	write_row(&f, START_NS, "1\n");
	write_row(&f, START_NS, "2\n");
	assert_int_equal(outfile_close(&f), 0);
	assert_int_equal(unlink(path), 0);
	strcat(path, ".1");
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	files_end(&files);
}

static void refuse(const char *path, struct rotation rotation, int expected, const char *words)
{
	struct outfile f;
	struct said said;
	int err, close_err;

	said_begin(&said);
	err = outfile_open(&f, path, &rotation, false);
	if (!err)
		err = outfile_begin(&f);
	if (!err) {
		err = outfile_begin_row(&f, START_NS);
		text_string(&f.rows, "1\n");
		if (err)
			outfile_drop(&f);
		close_err = outfile_close(&f);
		err = err ? err : close_err;
	}
	said_expect(&said, words);
	assert_int_equal(err, expected);
}

static void places_that_cannot_be_written(void **state)
{
	const struct rotation once = { 0 }, minutes = { .interval_ns = 60 * S };
	char *endless = malloc(5001);

	(void)state;
	refuse("/nonexistent/a.csv", once, -ENOENT,
	       "/nonexistent/a.csv: No such file or directory");
	refuse("/nonexistent/%H.csv", minutes, -ENOENT, "/nonexistent/22.csv: No such file");
	refuse(files.path, once, -EISDIR, "Is a directory");
	refuse("/dev/full", once, -ENOSPC, "/dev/full: No space left on device; choose a place");
	memset(endless, 'n', 5000);
	endless[5000] = '\0';
	refuse(endless, minutes, -ENAMETOOLONG, "weir: nnn");
	free(endless);
	files_end(&files);
}

/* A full disk shows when the buffer is written, and only once. */
static void full_in_the_middle(void **state)
{
	struct outfile f;
	struct said said;
	char row[1001];
	int err = 0, rows = 0;

	(void)state;
	memset(row, 'x', 1000);
	row[1000] = '\0';
	assert_int_equal(outfile_open(&f, "/dev/full", &(struct rotation){ 0 }, false), 0);
	assert_int_equal(outfile_begin(&f), 0);
	said_begin(&said);
	while (!err && rows++ < 1000) {
		text_string(&f.rows, row);
		err = outfile_end_row(&f);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(rows, 66);
	outfile_drop(&f);
	assert_int_equal(outfile_close(&f), 0);
	said_expect(&said, "No space left on device");
	files_end(&files);
}

/* f writes to the pipe instead of a file. */
static void open_pipe(struct outfile *f, int ends[2])
{
	assert_int_equal(pipe(ends), 0);
	open_file(f, "a.csv", (struct rotation){ 0 });
	close(f->fd);
	f->fd = ends[1];
	f->rows.length = 0;
}

static void the_reader_left(void **state)
{
	struct outfile f;
	struct said said;
	int ends[2];

	(void)state;
	open_pipe(&f, ends);
	close(ends[0]);
	said_begin(&said);
	text_string(&f.rows, "1\n");
	assert_int_equal(outfile_flush(&f), -EPIPE);
	outfile_drop(&f);
	assert_int_equal(outfile_close(&f), 0);
	said_expect(&said, NULL);
	files_end(&files);
}

/* Somebody made the pipe non-blocking and reads slowly: everything arrives. */
static void a_full_pipe_is_awaited(void **state)
{
	struct outfile f;
	int ends[2], status;
	pid_t child;

	(void)state;
	open_pipe(&f, ends);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		char bytes[4096];
		size_t got = 0;

		close(ends[1]);
		usleep(50000);
		for (ssize_t n; (n = read(ends[0], bytes, sizeof(bytes))) > 0;)
			got += n;
		_exit(got == 1000000 ? 0 : 1);
	}
	close(ends[0]);
	for (int i = 0; i < 100000; i++)
		write_row(&f, START_NS, "123456789\n");
	assert_int_equal(outfile_close(&f), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	files_end(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_file, begin),
		cmocka_unit_test_setup(no_rows, begin),
		cmocka_unit_test_setup(an_old_file_goes_on, begin),
		cmocka_unit_test_setup(moved_away, begin),
		cmocka_unit_test_setup(an_old_file_is_replaced, begin),
		cmocka_unit_test_setup(rows_are_written_whole, begin),
		cmocka_unit_test_setup(rotation_by_time, begin),
		cmocka_unit_test_setup(rotation_by_size, begin),
		cmocka_unit_test_setup(names_that_come_again, begin),
		cmocka_unit_test_setup(numbered_names, begin),
		cmocka_unit_test_setup(places_that_cannot_be_written, begin),
		cmocka_unit_test_setup(full_in_the_middle, begin),
		cmocka_unit_test_setup(the_reader_left, begin),
		cmocka_unit_test_setup(a_full_pipe_is_awaited, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
