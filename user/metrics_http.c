/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics_http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "metrics_address.h"
#include "thread.h"

#define NS_PER_MS 1000000ull

#define MAX_CLIENTS 64 /* more wait in the kernel until one is done */
#define BACKLOG     1024
#define CLIENT_POOL (16u << 10) /* bytes of a request, and of the answer's header */

/*
 * From connecting to the end of the answer. Who idles, or sends or reads a byte now and then, is
 * cut off all the same; sooner while places are short, so that slow clients shut nobody out.
 */
#define CLIENT_MS       10000
#define CLIENT_SHORT_MS 500
#define CROWD           (MAX_CLIENTS / 2)
#define SWEEP_MS        100
#define IDLE_MS         1000

/* How long to let a client wait for whom the system has no file descriptor or memory. */
#define STARVED_MS 100

struct client {
	int fd; /* -1 = free place */
	uint64_t since_ns;
};

struct metrics_http {
	const struct metrics_page *pages;
	void *context;
	struct MHD_Daemon *daemon;
	int epoll_fd; /* the daemon's */
	int stop_fd;
	pthread_t thread;
	struct client clients[MAX_CLIENTS];
	int count;              /* of clients */
	bool starved;           /* in this turn */
	atomic_int refused_for; /* the last errno of a client that could not be taken, 0 = none */
};

/* --- answers ---------------------------------------------------------------------------------- */

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned int status, const char *type,
				 struct text_buffer *text, const char *allow)
{
	struct MHD_Response *r = NULL;
	enum MHD_Result done;

	if (!text->failed)
		r = MHD_create_response_from_buffer(text->length, text->data,
						    MHD_RESPMEM_MUST_FREE);
	if (!r) {
		text_free(text);
		return MHD_NO; /* ends the connection */
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	if (allow)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned int status, const char *why,
			      const char *allow)
{
	struct text_buffer text = { 0 };

	text_string(&text, why);
	return send_text(c, status, "text/plain; charset=utf-8", &text, allow);
}

static const struct metrics_page *find_page(const struct metrics_http *h, const char *path)
{
	for (const struct metrics_page *page = h->pages; page->path; page++)
		if (!strcmp(page->path, path))
			return page;
	return NULL;
}

/* Called with the request's header; a body is not waited for. */
static enum MHD_Result answer(void *context, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	struct metrics_http *h = context;
	const struct metrics_page *page = find_page(h, url);
	struct text_buffer text = { 0 };
	unsigned int status;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	if (!page)
		return refuse(c, MHD_HTTP_NOT_FOUND, "not found\n", NULL);
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n", "GET, HEAD");
	status = page->make(h->context, &text);
	return send_text(c, status, page->type, &text, NULL);
}

/* --- clients ---------------------------------------------------------------------------------- */

static void note_client(struct metrics_http *h, struct MHD_Connection *c, void **place)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &h->clients[i];

		if (client->fd >= 0)
			continue;
		client->fd = info->connect_fd;
		client->since_ns = monotonic_ns();
		h->count++;
		*place = client;
		return;
	}
}

static void on_connection(void *context, struct MHD_Connection *c, void **place,
			  enum MHD_ConnectionNotificationCode what)
{
	struct metrics_http *h = context;
	struct client *client;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		note_client(h, c, place);
		return;
	}
	client = *place;
	if (!client)
		return;
	client->fd = -1;
	h->count--;
}

/* The daemon sees the connection's end, and closes it. */
static void end_overdue(struct metrics_http *h)
{
	uint64_t now = monotonic_ns();
	uint64_t limit = (h->count > CROWD ? CLIENT_SHORT_MS : CLIENT_MS) * NS_PER_MS;

	for (int i = 0; i < MAX_CLIENTS; i++) {
		const struct client *client = &h->clients[i];

		if (client->fd >= 0 && now - client->since_ns > limit)
			shutdown(client->fd, SHUT_RDWR);
	}
}

/* --- the thread ------------------------------------------------------------------------------- */

static int wait_ms(struct metrics_http *h)
{
	MHD_UNSIGNED_LONG_LONG timeout;
	int most = h->count ? SWEEP_MS : IDLE_MS;

	if (MHD_get_timeout(h->daemon, &timeout) == MHD_YES && timeout < (unsigned int)most)
		return (int)timeout;
	return most;
}

/*
 * The daemon leaves its socket alone while there is no place, or no file descriptor, and looks at
 * it again not when a place becomes free but when it is run the next time.
 */
static void run_daemon(struct metrics_http *h)
{
	bool full = h->count == MAX_CLIENTS;

	MHD_run(h->daemon);
	if (full)
		MHD_run(h->daemon);
}

/* The daemon says so when a client cannot be taken; whatever else it says is of the client. */
static void on_message(void *context, const char *format, va_list args)
{
	struct metrics_http *h = context;
	int error = errno;

	(void)format;
	(void)args;
	if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS)
		return;
	h->starved = true;
	atomic_store(&h->refused_for, error);
}

/* It would ask the system again without a pause. */
static void rest(struct metrics_http *h, struct pollfd *stop)
{
	if (!h->starved)
		return;
	h->starved = false;
	poll(stop, 1, STARVED_MS);
}

static void *serve(void *context)
{
	struct metrics_http *h = context;
	struct pollfd fds[] = {
		{ .fd = h->epoll_fd, .events = POLLIN },
		{ .fd = h->stop_fd, .events = POLLIN },
	};

	while (!fds[1].revents) {
		poll(fds, 2, wait_ms(h));
		run_daemon(h);
		end_overdue(h);
		rest(h, &fds[1]);
	}
	return NULL;
}

/* --- start and stop --------------------------------------------------------------------------- */

static const char *mend(int error)
{
	switch (error) {
	case EADDRINUSE: return "give another port, or end what listens there";
	case EADDRNOTAVAIL: return "give an address of this host; ip address lists them";
	case EACCES: return "ports below 1024 are for root and CAP_NET_BIND_SERVICE";
	case EMFILE: return "raise the limit of open files (ulimit -n)";
	case ENFILE: return "the system has no more open files; raise the sysctl fs.file-max";
	case ENOMEM:
	case ENOBUFS: return "free some memory";
	case EAGAIN: return "no thread can be started; raise ulimit -u";
	default: return "give another address or port";
	}
}

/* -EINVAL would be a mistake of whoever called. */
static int refused(const char *address, int error)
{
	log_error("--metrics %s: %s; %s", address, strerror(error), mend(error));
	return error == EINVAL ? -EIO : -error;
}

/* The listening socket or a negative errno. */
static int listen_at(const char *text)
{
	struct metrics_address to;
	int fd, error, one = 1, patience = CLIENT_MS;

	if (metrics_address_parse(text, &to))
		return refused(text, EADDRNOTAVAIL);
	fd = socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refused(text, errno);
	/* Connections of a run before that linger are no reason to wait. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Inherited by connections: the kernel does not keep for long what nobody reads. */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	if (!bind(fd, (struct sockaddr *)&to.address, to.length) && !listen(fd, BACKLOG))
		return fd;
	error = errno;
	close(fd);
	return refused(text, error);
}

/* Takes the listening socket. 0 or a negative errno, as far as libmicrohttpd leaves it. */
static int start_daemon(struct metrics_http *h, int listen_fd)
{
	const struct MHD_OptionItem options[] = {
		{ MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_message, h },
		{ MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, MAX_CLIENTS, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, CLIENT_POOL, NULL },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, h },
		{ MHD_OPTION_END, 0, NULL },
	};
	const union MHD_DaemonInfo *info;

	errno = 0;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, answer, h,
				     MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (!h->daemon) {
		int err = errno ? -errno : -ENOMEM;

		close(listen_fd);
		return err;
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->epoll_fd = info ? info->epoll_fd : -1;
	return h->epoll_fd >= 0 ? 0 : -ENOTSUP;
}

static void destroy(struct metrics_http *h)
{
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	if (h->stop_fd >= 0)
		close(h->stop_fd);
	free(h);
}

/* 0 or a negative errno. */
static int make(struct metrics_http **out, const struct metrics_page *pages, void *context)
{
	struct metrics_http *h = calloc(1, sizeof(*h));

	*out = h;
	if (!h)
		return -ENOMEM;
	h->pages = pages;
	h->context = context;
	for (int i = 0; i < MAX_CLIENTS; i++)
		h->clients[i].fd = -1;
	h->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return h->stop_fd < 0 ? -errno : 0;
}

int metrics_http_start(struct metrics_http **out, const char *address,
		       const struct metrics_page *pages, void *context)
{
	struct metrics_http *h;
	int listen_fd = listen_at(address), err;

	*out = NULL;
	if (listen_fd < 0)
		return listen_fd;
	err = make(&h, pages, context);
	if (err)
		close(listen_fd);
	else
		err = start_daemon(h, listen_fd);
	if (!err)
		err = thread_start(&h->thread, "weir-metrics", serve, h);
	if (!err) {
		*out = h;
		return 0;
	}
	if (h)
		destroy(h);
	return refused(address, -err);
}

int metrics_http_refused(struct metrics_http *h)
{
	return atomic_exchange(&h->refused_for, 0);
}

const char *metrics_http_mend(int error)
{
	return mend(error);
}

void metrics_http_stop(struct metrics_http *h)
{
	if (!h)
		return;
	eventfd_write(h->stop_fd, 1);
	pthread_join(h->thread, NULL);
	destroy(h);
}

const char *metrics_http_version(void)
{
	return MHD_get_version();
}
