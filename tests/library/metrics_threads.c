/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A streamer that reads while two threads scrape it without a pause, again and again: built with
 * ThreadSanitizer, which ends the program at a race. Prints TAP.
 *
 * usage: metrics_threads CAPTURE FLOWS PORT
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/weir.h"

#define ROUNDS    10
#define FILES     200 /* the same one, so that a round takes a while: the flows go on */
#define SCRAPERS  2
#define PAGE_SIZE (256 * 1024)

static uint16_t port;
static atomic_bool done;

/* The answer to a GET, its header included; "" without one. */
static void get(const char *path, char page[PAGE_SIZE])
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t length = 0;
	ssize_t n = 0;

	if (!connect(fd, (const struct sockaddr *)&to, sizeof(to)) &&
	    dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path) > 0)
		while ((n = read(fd, page + length, PAGE_SIZE - 1 - length)) > 0)
			length += n;
	page[length] = '\0';
	close(fd);
}

static void *scrape(void *context)
{
	static const char *const paths[] = { "/metrics", "/readyz", "/healthz", "/nothing" };
	unsigned long *answers = context;
	char *page = malloc(PAGE_SIZE);

	for (unsigned int i = 0; !done; i++) {
		get(paths[i % 4], page);
		*answers += !strncmp(page, "HTTP/1.1 ", 9);
	}
	free(page);
	return NULL;
}

static bool page_has(const char *path, const char *words)
{
	char *page = malloc(PAGE_SIZE);
	bool has;

	get(path, page);
	has = strstr(page, words);
	if (!has)
		printf("# no \"%s\" in %s: %.200s\n", words, path, page);
	free(page);
	return has;
}

/* file: "read=CAPTURE". */
static bool read_once(const char *file, const char *setting, unsigned long flows)
{
	const char *settings[FILES + 2] = { setting };
	const struct weir_streamer_opts opts = { .sz = sizeof(opts), .settings = settings };
	const struct weir_record *record;
	struct weir_streamer *s;
	char line[60];
	bool good;

	for (int i = 1; i <= FILES; i++)
		settings[i] = file;
	if (weir_streamer__open(&s, &opts)) {
		printf("# %s\n", weir_last_error());
		return false;
	}
	good = page_has("/readyz", "503 ") && page_has("/readyz", "not open yet");
	while (weir_streamer__next(s, &record, -1) == 1)
		;
	snprintf(line, sizeof(line), "\nweir_flows_total %lu\n", flows);
	good = good && page_has("/metrics", line) && page_has("/readyz", "has ended") &&
	       page_has("/metrics", "{application=\"TLS");
	weir_streamer__free(s);
	return good;
}

int main(int argc, char **argv)
{
	unsigned long answers[SCRAPERS] = { 0 };
	pthread_t threads[SCRAPERS];
	bool good = true, served = true;
	char setting[40], file[4096];

	if (argc < 4)
		return 2;
	port = strtoul(argv[3], NULL, 10);
	snprintf(setting, sizeof(setting), "metrics=%u", port);
	snprintf(file, sizeof(file), "read=%s", argv[1]);
	for (int i = 0; i < SCRAPERS; i++)
		pthread_create(&threads[i], NULL, scrape, &answers[i]);
	for (int i = 0; i < ROUNDS && good; i++)
		good = read_once(file, setting, strtoul(argv[2], NULL, 10));
	done = true;
	for (int i = 0; i < SCRAPERS; i++) {
		pthread_join(threads[i], NULL);
		served = served && answers[i] > ROUNDS;
	}
	printf("%sok 1 - metrics: the last numbers stay until a streamer is freed\n",
	       good ? "" : "not ");
	printf("%sok 2 - metrics: scraped while reading, %lu and %lu times\n1..2\n",
	       served ? "" : "not ", answers[0], answers[1]);
	return !(good && served);
}
