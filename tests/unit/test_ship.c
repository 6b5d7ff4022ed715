/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of messages on their way out, by a transport that does as it is told: each record is
 * sent, dropped or failed, once, and what a connection may have lost goes again.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "ship.h"

#define MESSAGES 64

/* The other side: what it answers in turn, and what it got. 0 follows what is not said. */
static struct {
	pthread_mutex_t lock;
	int answers[MESSAGES], connects[MESSAGES];
	size_t answer, connect, disconnects;
	char got[MESSAGES][16];
	size_t count;
	size_t unacknowledged; /* bytes that it holds back */
	uint32_t refused;      /* records of each message that it takes */
	bool blocked;          /* nothing is taken */
	bool lost;             /* what it holds back, too, until it is connected to again */
} peer = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int fake_open(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE])
{
	*out = (struct transport *)&peer;
	if (strcmp(address, "bad"))
		return 0;
	snprintf(why, TRANSPORT_WHY_SIZE, "no such place");
	return -EINVAL;
}

static int answer(int *answers, size_t *at, char why[TRANSPORT_WHY_SIZE])
{
	int err = *at < MESSAGES ? answers[(*at)++] : 0;

	if (err < 0)
		snprintf(why, TRANSPORT_WHY_SIZE, "%s", strerror(-err));
	return err;
}

static int fake_connect(struct transport *t, const atomic_bool *ending,
			char why[TRANSPORT_WHY_SIZE])
{
	int err;

	(void)t;
	(void)ending;
	pthread_mutex_lock(&peer.lock);
	err = answer(peer.connects, &peer.connect, why);
	peer.lost = false;
	pthread_mutex_unlock(&peer.lock);
	return err;
}

static int fake_send(struct transport *t, const void *bytes, size_t length,
		     const atomic_bool *ending, char why[TRANSPORT_WHY_SIZE])
{
	int err;

	(void)t;
	for (;;) {
		pthread_mutex_lock(&peer.lock);
		if (!peer.blocked || *ending)
			break;
		pthread_mutex_unlock(&peer.lock);
		usleep(1000);
	}
	err = peer.blocked ? -ECANCELED : answer(peer.answers, &peer.answer, why);
	if (peer.lost)
		err = -ECONNRESET;
	if (err >= 0 && peer.count < MESSAGES)
		snprintf(peer.got[peer.count++], sizeof(peer.got[0]), "%.*s", (int)length,
			 (const char *)bytes);
	pthread_mutex_unlock(&peer.lock);
	return err;
}

static size_t fake_unacknowledged(const struct transport *t)
{
	size_t bytes;

	(void)t;
	pthread_mutex_lock(&peer.lock);
	bytes = peer.unacknowledged;
	pthread_mutex_unlock(&peer.lock);
	return bytes;
}

static bool fake_is_lost(const struct transport *t)
{
	bool lost;

	(void)t;
	pthread_mutex_lock(&peer.lock);
	lost = peer.lost;
	pthread_mutex_unlock(&peer.lock);
	return lost;
}

static uint32_t fake_refused(const struct transport *t)
{
	(void)t;
	return peer.refused;
}

static void fake_disconnect(struct transport *t)
{
	(void)t;
	pthread_mutex_lock(&peer.lock);
	peer.disconnects++;
	pthread_mutex_unlock(&peer.lock);
}

static void fake_close(struct transport *t)
{
	(void)t;
}

static const struct transport_ops fake = {
	.scheme = "fake",
	.stream = true,
	.open = fake_open,
	.connect = fake_connect,
	.send = fake_send,
	.refused = fake_refused,
	.unacknowledged = fake_unacknowledged,
	.is_lost = fake_is_lost,
	.disconnect = fake_disconnect,
	.close = fake_close,
};

static struct ship_options options(enum ship_policy policy, size_t queue_bytes)
{
	return (struct ship_options){
		.name = "fake:",
		.transport = &fake,
		.address = "",
		.limits = { .policy = policy,
			    .queue_bytes = queue_bytes,
			    .end_timeout_ns = 300000000 },
	};
}

/* What was said, a line each. */
static char said[1024];

static void note_said(void *context, enum log_level level, const char *text)
{
	size_t length = strlen(said);

	(void)context;
	(void)level;
	snprintf(said + length, sizeof(said) - length, "%s\n", text);
}

static struct ship *open_ship(const struct ship_options *o)
{
	static const struct log_sink notes = { .write = note_said };
	struct ship *s;

	*said = '\0';
	log_use(&notes);
	assert_int_equal(ship_open(&s, o), 0);
	return s;
}

static int reset(void **state)
{
	(void)state;
	memset((char *)&peer + sizeof(peer.lock), 0, sizeof(peer) - sizeof(peer.lock));
	return 0;
}

static void put_one(struct ship *s, const char *name, uint32_t records, const atomic_bool *stop)
{
	const struct ship_load load = {
		.records = records,
		.data_records = 2 * records,
		.packets = 10 * records,
		.octets = 1000 * records,
	};

	ship_put(s, name, 4, &load, stop);
}

/* Messages of so many records, called a, b, c ... */
static void put(struct ship *s, int count, uint32_t records)
{
	for (int i = 0; i < count; i++) {
		const char name[4] = { 'a' + i, 'a' + i, 'a' + i, 'a' + i };

		put_one(s, name, records, NULL);
	}
}

static void wait_until_sent(struct ship *s, uint64_t records)
{
	struct ship_counts c;

	for (int i = 0; i < 5000; i++) {
		ship_counts(s, &c);
		if (c.sent + c.failed >= records)
			return;
		usleep(1000);
	}
	fail_msg("%lu sent, %lu failed", (unsigned long)c.sent, (unsigned long)c.failed);
}

/* Nothing waits any longer. */
static void wait_until_gone(struct ship *s)
{
	struct ship_counts c;

	for (int i = 0; i < 5000; i++) {
		ship_counts(s, &c);
		if (!c.queued_bytes)
			return;
		usleep(1000);
	}
	fail_msg("%lu bytes are queued", (unsigned long)c.queued_bytes);
}

static void closes(struct ship *s, uint64_t sent, uint64_t retried, uint64_t dropped,
		   uint64_t failed)
{
	struct ship_counts c;

	ship_close(s, &c);
	assert_int_equal(c.sent, sent);
	assert_int_equal(c.retried, retried);
	assert_int_equal(c.dropped, dropped);
	assert_int_equal(c.failed, failed);
	assert_int_equal(c.queued, 0);
	assert_int_equal(c.queued_bytes, 0);
}

static void got(const char *const *names, size_t count)
{
	assert_int_equal(peer.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(peer.got[i], names[i]);
}

static void in_order(void **state)
{
	static const char *const names[] = { "head", "aaaa", "bbbb", "cccc" };
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	o.preamble = (struct ship_preamble){ "head", 4, 0 };
	s = open_ship(&o);
	put(s, 3, 2);
	closes(s, 6, 0, 0, 0);
	got(names, 4);
}

/* The connection breaks while two messages are unacknowledged: both go again, preamble first. */
static void lost_connection(void **state)
{
	static const char *const names[] = {
		"head", "aaaa", "bbbb", "head", "aaaa", "bbbb", "cccc"
	};
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	o.preamble = (struct ship_preamble){ "head", 4, 0 };
	peer.unacknowledged = 8;
	peer.answers[3] = -EPIPE;
	s = open_ship(&o);
	put(s, 2, 5);
	while (fake_unacknowledged(NULL) && peer.count < 3)
		usleep(1000);
	put_one(s, "cccc", 5, NULL);
	for (int i = 0; i < 5000 && !peer.disconnects; i++)
		usleep(1000);
	pthread_mutex_lock(&peer.lock);
	peer.unacknowledged = 0;
	pthread_mutex_unlock(&peer.lock);
	wait_until_sent(s, 15);
	closes(s, 15, 10, 0, 0);
	got(names, 7);
}

/* What is acknowledged is sent; what is not waits, and is dropped at the end. */
static void acknowledged(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s = open_ship(&o);

	(void)state;
	peer.unacknowledged = 5; /* all of c, and a byte of b */
	put(s, 3, 1);
	wait_until_sent(s, 1);
	closes(s, 1, 0, 2, 0);
}

/*
 * The connection breaks while nothing else is to be sent, and its bytes are no longer
 * unacknowledged since they are gone: they go again all the same, also at the end.
 */
static void lost_while_waiting(void **state)
{
	static const char *const names[] = { "aaaa", "bbbb", "aaaa", "bbbb" };
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	o.limits.end_timeout_ns = 5000000000;
	peer.unacknowledged = 8;
	s = open_ship(&o);
	put(s, 2, 5);
	for (int i = 0; i < 5000 && peer.count < 2; i++)
		usleep(1000);
	pthread_mutex_lock(&peer.lock);
	peer.unacknowledged = 0;
	peer.lost = true;
	pthread_mutex_unlock(&peer.lock);
	closes(s, 10, 10, 0, 0);
	got(names, 4);
}

static void cannot_connect(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	peer.connects[0] = -ECONNREFUSED;
	s = open_ship(&o);
	put(s, 2, 3);
	wait_until_sent(s, 6);
	assert_int_equal(peer.connect, 2);
	closes(s, 6, 0, 0, 0);
}

/* The end tries at once, however long the next attempt was to wait for. */
static void comes_back_at_the_end(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	size_t connects = 0;
	struct ship *s;

	(void)state;
	for (int i = 0; i < 3; i++)
		peer.connects[i] = -ECONNREFUSED;
	s = open_ship(&o);
	put(s, 1, 5);
	for (int i = 0; i < 5000 && connects < 3; i++) {
		usleep(1000);
		pthread_mutex_lock(&peer.lock);
		connects = peer.connect;
		pthread_mutex_unlock(&peer.lock);
	}
	assert_int_equal(connects, 3); /* the fourth one is due in a second */
	closes(s, 5, 0, 0, 0);
}

/* One message is refused for good; those around it are not. */
static void refused(void **state)
{
	static const char *const names[] = { "aaaa", "cccc" };
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	peer.answers[1] = -EBADMSG;
	s = open_ship(&o);
	put(s, 3, 7);
	closes(s, 14, 0, 0, 7);
	got(names, 2);
}

/*
 * A datagram turns out to be refused when the next one goes: its records are failed, not those, and
 * until then they are not sent, for no count goes down.
 */
static void refused_before(void **state)
{
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct transport_ops late = fake;
	struct ship_counts c;
	struct ship *s;

	(void)state;
	late.refuses_late = true;
	o.transport = &late;
	peer.answers[1] = 1;
	s = open_ship(&o);
	put_one(s, "aaaa", 3, NULL);
	wait_until_gone(s);
	ship_counts(s, &c);
	assert_int_equal(c.sent, 0);
	assert_int_equal(c.queued, 3);
	put_one(s, "bbbb", 10, NULL);
	wait_until_sent(s, 3);
	ship_counts(s, &c);
	assert_int_equal(c.failed, 3);
	assert_int_equal(c.sent, 0);
	ship_report(s);
	assert_string_equal(said, "-o fake:: refused; records that are refused count as failed\n");
	put_one(s, "cccc", 1, NULL);
	closes(s, 11, 0, 0, 3);
}

/* On a silent wire no other datagram asks: after a while it is sent. */
static void nobody_asks(void **state)
{
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct transport_ops late = fake;
	struct ship *s;

	(void)state;
	late.refuses_late = true;
	o.transport = &late;
	s = open_ship(&o);
	put_one(s, "aaaa", 3, NULL);
	wait_until_sent(s, 3);
	closes(s, 3, 0, 0, 0);
}

/* What was dropped and failed, by all that the messages hold. */
static void what_was_not_sent(void **state)
{
	const struct ship_options o = options(SHIP_DROP_OLDEST, 8);
	struct ship_counts c;
	struct ship *s;

	(void)state;
	peer.answers[0] = -EBADMSG;
	peer.blocked = true;
	s = open_ship(&o);
	put(s, 1, 1);
	usleep(50000); /* it is with the thread */
	put_one(s, "bbbb", 20, NULL);
	put_one(s, "cccc", 300, NULL);
	pthread_mutex_lock(&peer.lock);
	peer.blocked = false;
	pthread_mutex_unlock(&peer.lock);
	ship_close(s, &c);
	assert_int_equal(c.failed, 1);
	assert_int_equal(c.dropped, 20);
	assert_int_equal(c.sent, 300);
	assert_int_equal(c.unsent.messages, 2);
	assert_int_equal(c.unsent.bytes, 8);
	assert_int_equal(c.unsent.data_records, 42);
	assert_int_equal(c.unsent.packets, 210);
	assert_int_equal(c.unsent.octets, 21000);
}

/*
 * So many a second at most, which is a least time; and the end waits for them, but not once
 * somebody wants to stop.
 */
static void keeps_pace(void **state)
{
	struct ship_options o = options(SHIP_BLOCK, 1000);
	uint64_t began = monotonic_ns();
	const atomic_bool stop = true;
	struct ship_counts c;
	struct ship *s;

	(void)state;
	o.limits.pace = 20;
	o.limits.end_timeout_ns = 10000000;
	s = open_ship(&o);
	put(s, 12, 1);
	closes(s, 12, 0, 0, 0);
	/* 11 gaps of 50 ms, less 5 ms of those who are late */
	assert_true(monotonic_ns() - began >= 545000000);
	s = open_ship(&o);
	put(s, 12, 1);
	put_one(s, "last", 1, &stop);
	ship_close(s, &c);
	assert_int_equal(c.sent + c.dropped, 13);
	assert_true(c.dropped > 0);
}

static void *want_to_stop(void *context)
{
	usleep(200000);
	*(atomic_bool *)context = true;
	return NULL;
}

/* Who wants to stop while the end waits for the pace is not kept waiting for it. */
static void stops_keeping_pace(void **state)
{
	struct ship_options o = options(SHIP_BLOCK, 1000);
	uint64_t began = monotonic_ns();
	atomic_bool stop = false;
	struct ship_counts c;
	pthread_t thread;
	struct ship *s;

	(void)state;
	o.limits.pace = 2;
	o.limits.end_timeout_ns = 10000000;
	s = open_ship(&o);
	put(s, 12, 1);
	put_one(s, "last", 1, &stop);
	pthread_create(&thread, NULL, want_to_stop, &stop);
	ship_close(s, &c);
	pthread_join(thread, NULL);
	assert_int_equal(c.sent + c.dropped, 13);
	assert_true(monotonic_ns() - began < 2000000000);
}

/* The next connection begins with the preamble that was set last. */
static void another_preamble(void **state)
{
	static const char *const names[] = { "head", "aaaa", "face", "bbbb" };
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	o.preamble = (struct ship_preamble){ "head", 4, 0 };
	peer.answers[2] = -EPIPE;
	s = open_ship(&o);
	put(s, 1, 1);
	wait_until_sent(s, 1);
	assert_int_equal(ship_set_preamble(s, &(struct ship_preamble){ "face", 4, 0 }), 0);
	put_one(s, "bbbb", 1, NULL);
	wait_until_sent(s, 2);
	closes(s, 2, 0, 0, 0);
	got(names, 4);
}

/* Room for three, one of them on its way: the oldest of the others make room. */
static void drops_the_oldest(void **state)
{
	static const char *const names[] = { "aaaa", "eeee", "ffff" };
	const struct ship_options o = options(SHIP_DROP_OLDEST, 12);
	struct ship_counts c;
	struct ship *s;

	(void)state;
	peer.blocked = true;
	s = open_ship(&o);
	put(s, 1, 1);
	usleep(50000); /* it is with the thread */
	for (char name = 'b'; name <= 'f'; name++) {
		const char text[4] = { name, name, name, name };

		put_one(s, text, 1, NULL);
	}
	ship_counts(s, &c);
	assert_int_equal(c.dropped, 3);
	assert_int_equal(c.queued, 3);
	pthread_mutex_lock(&peer.lock);
	peer.blocked = false;
	pthread_mutex_unlock(&peer.lock);
	closes(s, 3, 0, 3, 0);
	got(names, 3);
}

/* A message that is larger than the queue goes when it is alone. */
static void larger_than_the_queue(void **state)
{
	const struct ship_options o = options(SHIP_DROP_OLDEST, 2);
	struct ship *s = open_ship(&o);

	(void)state;
	put(s, 1, 1);
	closes(s, 1, 0, 0, 0);
}

static void *let_go(void *context)
{
	(void)context;
	usleep(200000);
	pthread_mutex_lock(&peer.lock);
	peer.blocked = false;
	pthread_mutex_unlock(&peer.lock);
	return NULL;
}

/* Who puts messages waits for room, and nothing is dropped; or stops waiting when told so. */
static void blocks(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 8);
	const atomic_bool stop = true;
	struct ship_counts c;
	pthread_t thread;
	struct ship *s;

	(void)state;
	peer.blocked = true;
	s = open_ship(&o);
	pthread_create(&thread, NULL, let_go, NULL);
	put(s, 8, 1);
	pthread_join(thread, NULL);
	closes(s, 8, 0, 0, 0);

	peer.blocked = true;
	s = open_ship(&o);
	put(s, 2, 1);
	usleep(50000);
	put_one(s, "cccc", 1, &stop);
	ship_counts(s, &c);
	assert_int_equal(c.dropped, 1);
	closes(s, 0, 0, 3, 0);
}

/* A capture is read without a pause, and for long: what is wrong is told with the next message. */
static void told_in_passing(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	peer.answers[0] = -EBADMSG;
	s = open_ship(&o);
	put(s, 1, 1);
	wait_until_sent(s, 1);
	put(s, 1, 1);
	assert_string_equal(said, "-o fake:: Bad message; records that are refused count as "
				  "failed\n");
	closes(s, 1, 0, 0, 1);
}

static void report_until_said(struct ship *s)
{
	for (int i = 0; i < 5000 && !*said; i++) {
		ship_report(s);
		usleep(1000);
	}
}

/* Who waits for room is told why. */
static void blocks_aloud(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 4);
	struct ship *s;

	(void)state;
	peer.connects[0] = -ECONNREFUSED;
	s = open_ship(&o);
	put(s, 2, 1);
	assert_string_equal(said, "-o fake:: Connection refused; records are kept and sent when it "
				  "is back\n-o fake:: connected again\n");
	closes(s, 2, 0, 0, 0);
}

/*
 * A peer that can be connected to and takes nothing is not back: that is said once it has taken a
 * message, and what was wrong then is no reason at the end.
 */
static void back_again(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	peer.answers[0] = -EBUSY;
	s = open_ship(&o);
	put(s, 1, 1);
	report_until_said(s);
	pthread_mutex_lock(&peer.lock);
	peer.blocked = true;
	pthread_mutex_unlock(&peer.lock);
	for (int i = 0; i < 5000 && peer.connect < 2; i++)
		usleep(1000);
	usleep(20000);
	ship_report(s);
	assert_string_equal(said,
			    "-o fake:: Device or resource busy; records are kept and sent when "
			    "it is back\n");
	*said = '\0';
	pthread_mutex_lock(&peer.lock);
	peer.blocked = false;
	pthread_mutex_unlock(&peer.lock);
	wait_until_sent(s, 1);
	ship_report(s);
	assert_string_equal(said, "-o fake:: connected again\n");
	*said = '\0';
	pthread_mutex_lock(&peer.lock);
	peer.blocked = true;
	pthread_mutex_unlock(&peer.lock);
	put(s, 1, 1);
	closes(s, 1, 1, 1, 0);
	assert_string_equal(said, "-o fake:: slow; 1 records could not be sent in time\n");
}

/* The end cuts an attempt short: the reason is that of those before. */
static void still_busy(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	peer.answers[0] = -EBUSY;
	s = open_ship(&o);
	put(s, 1, 1);
	report_until_said(s);
	*said = '\0';
	pthread_mutex_lock(&peer.lock);
	peer.blocked = true;
	pthread_mutex_unlock(&peer.lock);
	closes(s, 0, 1, 1, 0);
	assert_string_equal(said,
			    "-o fake:: Device or resource busy; 1 records could not be sent in "
			    "time\n");
}

static void bad_address(void **state)
{
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	o.address = "bad";
	assert_int_equal(ship_open(&s, &o), -EINVAL);
	assert_null(s);
	assert_string_equal(log_last_error(), "-o fake:: no such place");
}

static void note(void *context, void *bytes, const struct ship_preamble *preamble)
{
	int *number = context;

	*number = preamble ? (int)preamble->sequence : *number + 1;
	*(char *)bytes = '0' + *number;
}

/* A stamp counts anew on each connection, and a message that goes again gets another one. */
static void stamps(void **state)
{
	static const char *const names[] = { "0ead", "1aaa", "0ead", "1aaa", "2bbb" };
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;
	int number = 9;

	(void)state;
	o.preamble = (struct ship_preamble){ "head", 4, 0 };
	o.stamp = note;
	o.stamp_context = &number;
	peer.unacknowledged = 4;
	peer.answers[2] = -EPIPE;
	s = open_ship(&o);
	put(s, 2, 1);
	for (int i = 0; i < 5000 && !peer.disconnects; i++)
		usleep(1000);
	pthread_mutex_lock(&peer.lock);
	peer.unacknowledged = 0;
	pthread_mutex_unlock(&peer.lock);
	wait_until_sent(s, 2);
	closes(s, 2, 1, 0, 0);
	got(names, 5);
}

/* A message that is taken but for some records: those are failed, never more than it has. */
static void refused_in_part(void **state)
{
	const struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s = open_ship(&o);

	(void)state;
	peer.refused = 2;
	put(s, 3, 5);
	wait_until_sent(s, 15);
	closes(s, 9, 0, 0, 6);
	peer.refused = 7;
	s = open_ship(&o);
	put(s, 1, 5);
	closes(s, 0, 0, 0, 5);
}

/* The other side had the message, and wants it later: that is sent again, as a lost one is not. */
static void later(void **state)
{
	static const char *const names[] = { "aaaa", "bbbb" };
	struct ship_options o = options(SHIP_BLOCK, 1000);
	struct ship *s;

	(void)state;
	o.limits.end_timeout_ns = 5000000000ull;
	peer.answers[0] = -EBUSY;
	peer.answers[1] = -EIO;
	s = open_ship(&o);
	put(s, 2, 5);
	wait_until_sent(s, 10);
	closes(s, 10, 5, 0, 0);
	got(names, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_order, reset),
		cmocka_unit_test_setup(lost_connection, reset),
		cmocka_unit_test_setup(acknowledged, reset),
		cmocka_unit_test_setup(lost_while_waiting, reset),
		cmocka_unit_test_setup(cannot_connect, reset),
		cmocka_unit_test_setup(comes_back_at_the_end, reset),
		cmocka_unit_test_setup(refused, reset),
		cmocka_unit_test_setup(refused_before, reset),
		cmocka_unit_test_setup(nobody_asks, reset),
		cmocka_unit_test_setup(what_was_not_sent, reset),
		cmocka_unit_test_setup(keeps_pace, reset),
		cmocka_unit_test_setup(stops_keeping_pace, reset),
		cmocka_unit_test_setup(another_preamble, reset),
		cmocka_unit_test_setup(drops_the_oldest, reset),
		cmocka_unit_test_setup(larger_than_the_queue, reset),
		cmocka_unit_test_setup(blocks, reset),
		cmocka_unit_test_setup(told_in_passing, reset),
		cmocka_unit_test_setup(blocks_aloud, reset),
		cmocka_unit_test_setup(back_again, reset),
		cmocka_unit_test_setup(still_busy, reset),
		cmocka_unit_test_setup(bad_address, reset),
		cmocka_unit_test_setup(stamps, reset),
		cmocka_unit_test_setup(refused_in_part, reset),
		cmocka_unit_test_setup(later, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
