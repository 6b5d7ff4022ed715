/* SPDX-License-Identifier: BSD-2-Clause */
/* The server without what it needs: each refusal says what is missing, and a shortage passes. */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "metrics_http.h"
#include "outputs.h"

static unsigned int hello(void *context, struct text_buffer *out)
{
	(void)context;
	text_string(out, "hello\n");
	return 200;
}

static const struct metrics_page pages[] = { { "/", "text/plain", hello }, { 0 } };

/* Descriptors below this number are all in use. */
static rlim_t first_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void limit(int resource, rlim_t most)
{
	struct rlimit now;

	assert_int_equal(getrlimit(resource, &now), 0);
	now.rlim_cur = most;
	assert_int_equal(setrlimit(resource, &now), 0);
}

static rlim_t limit_of(int resource)
{
	struct rlimit now;

	assert_int_equal(getrlimit(resource, &now), 0);
	return now.rlim_cur;
}

static uint16_t free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	close(fd);
	return ntohs(at.sin_port);
}

/* It needs a socket, an eventfd, an epoll: each is refused in turn, and none is left open. */
static void no_descriptors(void **state)
{
	rlim_t usual = limit_of(RLIMIT_NOFILE), used = first_free();
	struct metrics_http *h;
	struct said said;
	char address[16];
	int refusals = 0, err;

	(void)state;
	snprintf(address, sizeof(address), "%u", free_port());
	for (;;) {
		limit(RLIMIT_NOFILE, used + refusals);
		said_begin(&said);
		err = metrics_http_start(&h, address, pages, NULL);
		limit(RLIMIT_NOFILE, usual);
		if (!err)
			break;
		assert_int_equal(err, -EMFILE);
		assert_null(h);
		said_expect(&said,
			    "Too many open files; raise the limit of open files (ulimit -n)");
		assert_int_equal(first_free(), used);
		refusals++;
	}
	said_expect(&said, NULL);
	assert_true(refusals >= 3);
	metrics_http_stop(h);
	assert_int_equal(first_free(), used);
}

static uint64_t cpu_ms(void)
{
	return clock() / (CLOCKS_PER_SEC / 1000);
}

/* A client waits while there is no descriptor for it, the server does not spin, and then serves. */
static void no_descriptor_for_a_client(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	rlim_t usual = limit_of(RLIMIT_NOFILE);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char address[16], answer[512] = "";
	uint16_t port = free_port();
	struct metrics_http *h;
	uint64_t began;
	int client;

	(void)state;
	snprintf(address, sizeof(address), "%u", port);
	assert_int_equal(metrics_http_start(&h, address, pages, NULL), 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	limit(RLIMIT_NOFILE, first_free());
	at.sin_port = htons(port);
	assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(write(client, request, strlen(request)), (int)strlen(request));
	while (metrics_http_refused(h) != EMFILE)
		usleep(1000);
	began = cpu_ms();
	usleep(500000);
	assert_true(cpu_ms() - began < 250);
	assert_int_equal(metrics_http_refused(h), EMFILE);
	limit(RLIMIT_NOFILE, usual);
	assert_true(read(client, answer, sizeof(answer) - 1) > 0);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
	close(client);
	metrics_http_stop(h);
}

static void what_to_do(void **state)
{
	static const struct {
		int error;
		const char *words;
	} cases[] = {
		{ EMFILE, "ulimit -n" },        { ENFILE, "fs.file-max" },
		{ ENOMEM, "memory" },           { ENOBUFS, "memory" },
		{ EAGAIN, "ulimit -u" },        { EADDRINUSE, "another port" },
		{ EACCES, "ports below 1024" }, { EIO, "another address or port" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_non_null(strstr(metrics_http_mend(cases[i].error), cases[i].words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_descriptors),
		cmocka_unit_test(no_descriptor_for_a_client),
		cmocka_unit_test(what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
