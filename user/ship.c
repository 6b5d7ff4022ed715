/* SPDX-License-Identifier: BSD-2-Clause */
#include "ship.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "thread.h"

#define NS_PER_MS      1000000ull
#define NS_PER_S       1000000000ull
#define FIRST_RETRY_NS (250 * NS_PER_MS)
#define LAST_RETRY_NS  (30 * NS_PER_S)

/* How long a wait may last before its reason is looked at again. */
#define LOOK_NS        (100 * NS_PER_MS)
#define ACKNOWLEDGE_NS (10 * NS_PER_MS) /* what the other side has acknowledged */

/* Messages that are late may catch up for so long: timers are not exact. */
#define BURST_NS (5 * NS_PER_MS)

/* How long a refusal of the last datagram may take, if no other one goes and asks. */
#define REFUSAL_NS NS_PER_S

struct message {
	struct message *next;
	size_t length;
	struct ship_load load;
	bool tried; /* sent once, and perhaps lost with its connection */
	char bytes[];
};

/* Everything is the lock's, but for what is said to be the thread's or constant. */
struct ship {
	struct ship_options options; /* constant */
	struct transport *transport; /* the thread's */
	struct ship_preamble preamble;
	char *copy; /* the thread's: what is stamped */
	size_t copy_room;
	bool connected;    /* the thread's */
	uint64_t retry_ns; /* the thread's: how long to wait after the next failure */
	uint64_t next_ns;  /* the thread's: when the next message may go, by the pace */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, room;
	/* Oldest first: sent and unacknowledged up to unsent, then those that wait. */
	struct message *first, *unsent;
	struct message **end; /* where the next one is hung */
	bool sending;         /* unsent is with the thread */
	size_t unacknowledged_bytes;
	struct message *doubted; /* the datagram that went last, and may yet turn out refused */
	uint64_t doubted_ns;     /* since when */
	struct ship_counts counts;
	char why[TRANSPORT_WHY_SIZE]; /* the connection is lost; "" = it is not */
	bool lost, lost_told;
	char refusal[TRANSPORT_WHY_SIZE]; /* the first one's words; "" = there was none */
	bool refusal_told;
	bool closing;
	const atomic_bool *stop; /* of the last one that was put */

	atomic_bool ending; /* the thread is to end at once */
	atomic_bool hurry;  /* it is to try again at once */
};

/* --- the queue -------------------------------------------------------------------------------- */

/* Out of the queue, wherever it stands, but still counted there. */
static void take_out(struct ship *s, struct message *m)
{
	struct message **link = &s->first;

	while (*link != m)
		link = &(*link)->next;
	*link = m->next;
	if (s->unsent == m)
		s->unsent = m->next;
	if (!*link)
		s->end = link;
	s->counts.queued_bytes -= m->length;
	pthread_cond_signal(&s->room);
}

/* What became of a message that was taken out: count is where its records go. */
static void settle(struct ship *s, struct message *m, uint64_t *count)
{
	s->counts.queued -= m->load.records;
	*count += m->load.records;
	free(m);
}

static void count_unsent(struct ship *s, size_t length, const struct ship_load *load)
{
	struct ship_unsent *unsent = &s->counts.unsent;

	unsent->messages++;
	unsent->bytes += length;
	unsent->data_records += load->data_records;
	unsent->packets += load->packets;
	unsent->octets += load->octets;
}

/* Dropped or failed. */
static void settle_unsent(struct ship *s, struct message *m, uint64_t *count)
{
	count_unsent(s, m->length, &m->load);
	settle(s, m, count);
}

/* The oldest message that nobody has begun to send. False: there is none. */
static bool drop_oldest(struct ship *s)
{
	struct message *victim = s->unsent && s->sending ? s->unsent->next : s->unsent;

	if (!victim)
		return false;
	take_out(s, victim);
	settle_unsent(s, victim, &s->counts.dropped);
	return true;
}

static bool has_room(const struct ship *s, size_t length)
{
	return !s->counts.queued_bytes ||
	       s->counts.queued_bytes + length <= s->options.limits.queue_bytes;
}

/* For so long at most; with the lock. */
static void wait_on(struct ship *s, pthread_cond_t *condition, uint64_t ns)
{
	uint64_t until = monotonic_ns() + ns;
	const struct timespec when = { .tv_sec = (time_t)(until / NS_PER_S),
				       .tv_nsec = (long)(until % NS_PER_S) };

	pthread_cond_timedwait(condition, &s->lock, &when);
}

static bool is_stopped(const atomic_bool *stop)
{
	return stop && *stop;
}

/* Nobody else says meanwhile why this takes so long. */
static void wait_for_room(struct ship *s)
{
	wait_on(s, &s->room, LOOK_NS);
	pthread_mutex_unlock(&s->lock);
	ship_report(s);
	pthread_mutex_lock(&s->lock);
}

static bool make_room(struct ship *s, size_t length, const atomic_bool *stop)
{
	while (!has_room(s, length)) {
		if (s->options.limits.policy == SHIP_BLOCK && !is_stopped(stop))
			wait_for_room(s);
		else if (!drop_oldest(s))
			return false;
	}
	return true;
}

static void append(struct ship *s, struct message *m)
{
	*s->end = m;
	s->end = &m->next;
	if (!s->unsent)
		s->unsent = m;
	s->counts.queued += m->load.records;
	s->counts.queued_bytes += m->length;
	pthread_cond_signal(&s->work);
}

void ship_put(struct ship *s, const void *bytes, size_t length, const struct ship_load *load,
	      const atomic_bool *stop)
{
	struct message *m = malloc(sizeof(*m) + length);

	if (m) {
		*m = (struct message){ .length = length, .load = *load };
		memcpy(m->bytes, bytes, length);
	}
	pthread_mutex_lock(&s->lock);
	s->stop = stop;
	if (m && make_room(s, length, stop)) {
		append(s, m);
	} else {
		s->counts.dropped += load->records;
		count_unsent(s, length, load);
		free(m);
	}
	pthread_mutex_unlock(&s->lock);
	ship_report(s);
}

/* --- the thread: what was sent ---------------------------------------------------------------- */

/* No refusal has come of the datagram before. With the lock. */
static void trust(struct ship *s)
{
	if (s->doubted)
		settle(s, s->doubted, &s->counts.sent);
	s->doubted = NULL;
}

/* With the lock. */
static void note_gone(struct ship *s, struct message *m)
{
	take_out(s, m);
	if (!s->options.transport->refuses_late) {
		settle(s, m, &s->counts.sent);
		return;
	}
	trust(s);
	s->doubted = m;
	s->doubted_ns = monotonic_ns();
}

/* The system has handed over all but the last unacknowledged bytes. With the lock. */
static void release_sent(struct ship *s, size_t unacknowledged)
{
	while (s->first && s->first != s->unsent &&
	       s->unacknowledged_bytes >= unacknowledged + s->first->length) {
		s->unacknowledged_bytes -= s->first->length;
		note_gone(s, s->first);
	}
}

static size_t unacknowledged(const struct ship *s)
{
	const struct transport_ops *ops = s->options.transport;

	return s->connected && ops->unacknowledged ? ops->unacknowledged(s->transport) : 0;
}

static bool is_lost(const struct ship *s)
{
	const struct transport_ops *ops = s->options.transport;

	return s->connected && ops->is_lost && ops->is_lost(s->transport);
}

/* Asked in this order: a connection that is lost now may have taken bytes along. With the lock. */
static void release_acknowledged(struct ship *s)
{
	size_t bytes = unacknowledged(s);

	if (s->first != s->unsent && !is_lost(s))
		release_sent(s, bytes);
}

/* The message at hand was taken; it stays until it is acknowledged. With the lock. */
static void note_sent(struct ship *s, struct message *m)
{
	m->tried = true;
	s->sending = false;
	s->unsent = m->next;
	s->unacknowledged_bytes += m->length;
	release_acknowledged(s);
}

/* For who asks why records failed; the first cause stands for all. With the lock. */
static void note_refusal(struct ship *s, const char *why)
{
	if (!*s->refusal)
		snprintf(s->refusal, sizeof(s->refusal), "%s", *why ? why : "refused");
}

/* The datagram before the one at hand turned out to be refused. With the lock. */
static void note_refused_before(struct ship *s, const char *why)
{
	if (!s->doubted)
		return;
	note_refusal(s, why);
	settle_unsent(s, s->doubted, &s->counts.failed);
	s->doubted = NULL;
}

/* Some records of a message that was taken are refused all the same. With the lock. */
static void note_refused_some(struct ship *s, struct message *m, const char *why)
{
	const struct transport_ops *ops = s->options.transport;
	uint32_t refused = ops->refused ? ops->refused(s->transport) : 0;

	if (refused > m->load.records)
		refused = m->load.records;
	if (!refused)
		return;
	note_refusal(s, why);
	s->counts.failed += refused;
	s->counts.queued -= refused;
	m->load.records -= refused;
}

/* Nobody will ever take it. With the lock. */
static void note_failed(struct ship *s, struct message *m)
{
	s->sending = false;
	take_out(s, m);
	settle_unsent(s, m, &s->counts.failed);
}

/* What may be lost with the connection is sent again. With the lock. */
static void note_lost(struct ship *s)
{
	s->sending = false;
	s->unsent = s->first;
	s->unacknowledged_bytes = 0;
	s->lost = true;
	for (struct message *m = s->first; m; m = m->next) {
		if (!m->tried)
			continue;
		m->tried = false;
		s->counts.retried += m->load.records;
	}
}

/* Not before a message has gone: some transports connect when they send. With the lock. */
static void note_connected(struct ship *s)
{
	s->lost = false;
	*s->why = '\0';
}

/* --- the thread: sending ---------------------------------------------------------------------- */

static void disconnect(struct ship *s, const char *why)
{
	if (s->connected)
		s->options.transport->disconnect(s->transport);
	s->connected = false;
	pthread_mutex_lock(&s->lock);
	if (!s->ending) /* which cuts short whatever is tried */
		snprintf(s->why, sizeof(s->why), "%s", why);
	note_lost(s);
	pthread_mutex_unlock(&s->lock);
}

/* A stamp goes onto a copy: sent again, the message gets another one. */
static void *copy_of(struct ship *s, const void *bytes, size_t length, char why[TRANSPORT_WHY_SIZE])
{
	if (length > s->copy_room) {
		void *grown = realloc(s->copy, length);

		if (!grown) {
			snprintf(why, TRANSPORT_WHY_SIZE, "out of memory; free some");
			return NULL;
		}
		s->copy = grown;
		s->copy_room = length;
	}
	return memcpy(s->copy, bytes, length);
}

static int send_bytes(struct ship *s, const void *bytes, size_t length,
		      char why[TRANSPORT_WHY_SIZE])
{
	return s->options.transport->send(s->transport, bytes, length, &s->ending, why);
}

/* The newest one there is: it may change while it goes. */
static int send_preamble(struct ship *s, char why[TRANSPORT_WHY_SIZE])
{
	struct ship_preamble now;
	void *copy = NULL;

	pthread_mutex_lock(&s->lock);
	now = s->preamble;
	if (now.length)
		copy = copy_of(s, now.bytes, now.length, why);
	pthread_mutex_unlock(&s->lock);
	if (!now.length)
		return 0;
	if (!copy)
		return -ENOMEM;
	now.bytes = copy;
	if (s->options.stamp)
		s->options.stamp(s->options.stamp_context, copy, &now);
	return send_bytes(s, copy, now.length, why);
}

static bool connect_once(struct ship *s)
{
	char why[TRANSPORT_WHY_SIZE] = "";
	int err = s->options.transport->connect(s->transport, &s->ending, why);

	if (err) {
		disconnect(s, why);
		return false;
	}
	s->connected = true;
	err = send_preamble(s, why);
	if (err < 0) {
		disconnect(s, why);
		return false;
	}
	pthread_mutex_lock(&s->lock);
	s->counts.connects++;
	pthread_mutex_unlock(&s->lock);
	return true;
}

static bool send_message(struct ship *s, struct message *m)
{
	char why[TRANSPORT_WHY_SIZE] = "";
	void *bytes = m->bytes;
	int err = 0;

	if (s->options.stamp) {
		bytes = copy_of(s, bytes, m->length, why);
		if (bytes)
			s->options.stamp(s->options.stamp_context, bytes, NULL);
		else
			err = -ENOMEM;
	}
	if (!err)
		err = send_bytes(s, bytes, m->length, why);
	if (err < 0 && err != -EBADMSG) {
		m->tried |= err == -EBUSY; /* it was there, and is sent again */
		disconnect(s, why);
		return false;
	}
	s->retry_ns = FIRST_RETRY_NS;
	pthread_mutex_lock(&s->lock);
	note_connected(s);
	if (err == 1)
		note_refused_before(s, why);
	if (err == -EBADMSG) {
		note_refusal(s, why);
		note_failed(s, m);
	} else {
		note_refused_some(s, m, why);
		note_sent(s, m);
	}
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* --- the thread: when ------------------------------------------------------------------------- */

/* The next message, or the first one that a lost connection may have swallowed. With the lock. */
static struct message *next_to_send(const struct ship *s)
{
	return s->first != s->unsent && is_lost(s) ? s->first : s->unsent;
}

/* The next message to send, marked as being sent; NULL: the thread is to end. */
static struct message *wait_for_message(struct ship *s)
{
	struct message *m = NULL;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		release_acknowledged(s);
		if (s->doubted && monotonic_ns() - s->doubted_ns > REFUSAL_NS)
			trust(s);
		if (s->ending || (s->closing && !s->first))
			break;
		m = next_to_send(s);
		if (m) {
			s->sending = true;
			break;
		}
		wait_on(s, &s->work, s->first || s->closing ? ACKNOWLEDGE_NS : LOOK_NS);
	}
	pthread_mutex_unlock(&s->lock);
	return m;
}

/* With the lock let go now and then; ends early with the thread. */
static void sleep_until(struct ship *s, uint64_t until, bool to_retry)
{
	uint64_t now;

	pthread_mutex_lock(&s->lock);
	while (!s->ending && !(to_retry && s->hurry) && (now = monotonic_ns()) < until)
		wait_on(s, &s->work, until - now < LOOK_NS ? until - now : LOOK_NS);
	pthread_mutex_unlock(&s->lock);
}

static void keep_pace(struct ship *s)
{
	uint64_t now = monotonic_ns();

	if (!s->options.limits.pace)
		return;
	if (s->next_ns + BURST_NS < now)
		s->next_ns = now - BURST_NS;
	else if (s->next_ns > now)
		sleep_until(s, s->next_ns, false);
	s->next_ns += NS_PER_S / s->options.limits.pace;
}

/* Between attempts: a quarter of a second, doubled up to half a minute; at the end anew. */
static void back_off(struct ship *s)
{
	sleep_until(s, monotonic_ns() + s->retry_ns, true);
	s->retry_ns = s->retry_ns * 2 < LAST_RETRY_NS ? s->retry_ns * 2 : LAST_RETRY_NS;
	if (atomic_exchange(&s->hurry, false))
		s->retry_ns = FIRST_RETRY_NS;
}

static void *ship_main(void *context)
{
	struct ship *s = context;
	struct message *m;

	while ((m = wait_for_message(s))) {
		bool good = s->connected || connect_once(s);

		keep_pace(s);
		if (good)
			good = send_message(s, m);
		if (!good)
			back_off(s);
	}
	if (s->connected)
		s->options.transport->disconnect(s->transport);
	return NULL;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void ship_free(struct ship *s)
{
	if (s->transport)
		s->options.transport->close(s->transport);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->room);
	free((void *)s->preamble.bytes);
	free(s->copy);
	free(s);
}

int ship_set_preamble(struct ship *s, const struct ship_preamble *preamble)
{
	struct ship_preamble copy = *preamble, old;

	if (!copy.length)
		return 0;
	copy.bytes = malloc(copy.length);
	if (!copy.bytes)
		return -ENOMEM;
	memcpy((void *)copy.bytes, preamble->bytes, copy.length);
	pthread_mutex_lock(&s->lock);
	old = s->preamble;
	s->preamble = copy;
	pthread_mutex_unlock(&s->lock);
	free((void *)old.bytes);
	return 0;
}

/* A step of the wall clock is no reason to wait. */
static void init_conditions(struct ship *s)
{
	pthread_condattr_t clock;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &clock);
	pthread_cond_init(&s->room, &clock);
	pthread_condattr_destroy(&clock);
}

int ship_open(struct ship **out, const struct ship_options *options)
{
	char why[TRANSPORT_WHY_SIZE] = "";
	struct ship *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	*out = NULL;
	if (s) {
		s->options = *options;
		s->retry_ns = FIRST_RETRY_NS;
		s->end = &s->first;
		pthread_mutex_init(&s->lock, NULL);
		init_conditions(s);
		err = options->transport->open(&s->transport, options->address, why);
	}
	if (!err)
		err = ship_set_preamble(s, &options->preamble);
	if (!err) {
		err = thread_start(&s->thread, "weir-output", ship_main, s);
		if (err)
			snprintf(why, sizeof(why), "no thread to send with: %s; raise ulimit -u",
				 strerror(-err));
	}
	if (!err) {
		*out = s;
		return 0;
	}
	if (*why)
		log_error("-o %s: %s", options->name, why);
	if (s)
		ship_free(s);
	return err;
}

void ship_counts(struct ship *s, struct ship_counts *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->counts;
	pthread_mutex_unlock(&s->lock);
}

/* Once: what is refused may be so record by record. */
static void report_refusal(struct ship *s)
{
	char why[TRANSPORT_WHY_SIZE];
	bool told;

	pthread_mutex_lock(&s->lock);
	memcpy(why, s->refusal, sizeof(why));
	told = s->refusal_told;
	s->refusal_told = *why;
	pthread_mutex_unlock(&s->lock);
	if (*why && !told)
		log_warning("-o %s: %s; records that are refused count as failed", s->options.name,
			    why);
}

void ship_report(struct ship *s)
{
	char why[TRANSPORT_WHY_SIZE];
	bool lost, told;

	pthread_mutex_lock(&s->lock);
	lost = s->lost;
	told = s->lost_told;
	s->lost_told = lost;
	memcpy(why, s->why, sizeof(why));
	pthread_mutex_unlock(&s->lock);
	if (lost && !told)
		log_warning("-o %s: %s; records are kept and sent when it is back", s->options.name,
			    why);
	else if (!lost && told)
		log_warning("-o %s: connected again", s->options.name);
	report_refusal(s);
}

static void drop_all(struct ship *s)
{
	struct message *m;

	while ((m = s->first)) {
		take_out(s, m);
		settle_unsent(s, m, &s->counts.dropped);
	}
}

/* What waits, by the pace. With the lock. */
static uint64_t paced_ns(const struct ship *s)
{
	uint64_t messages = 0;

	if (!s->options.limits.pace)
		return 0;
	for (const struct message *m = s->first; m; m = m->next)
		messages++;
	return messages * NS_PER_S / s->options.limits.pace;
}

void ship_close(struct ship *s, struct ship_counts *out)
{
	uint64_t until = monotonic_ns() + s->options.limits.end_timeout_ns, paced;

	pthread_mutex_lock(&s->lock);
	paced = paced_ns(s);
	s->closing = true;
	s->hurry = true;
	pthread_cond_signal(&s->work);
	while (s->first && monotonic_ns() < until + (is_stopped(s->stop) ? 0 : paced))
		wait_on(s, &s->room, LOOK_NS);
	s->ending = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	trust(s);
	report_refusal(s);
	if (s->first)
		log_warning("-o %s: %s; %llu records could not be sent in time", s->options.name,
			    *s->why ? s->why : "slow", (unsigned long long)s->counts.queued);
	drop_all(s);
	*out = s->counts;
	ship_free(s);
}
