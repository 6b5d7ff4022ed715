/* SPDX-License-Identifier: BSD-2-Clause */
/* mdns: names of PTR answers and questions; names that loop, lie or do not end. */
#include "plugin_rig.h"

extern const struct weir_plugin plugin_mdns;

#define PTR 12
#define TXT 16

struct message {
	uint8_t at[4096];
	uint32_t length;
};

static void add(struct message *m, const void *bytes, uint32_t length)
{
	assert_in_range(length, 0, sizeof(m->at) - m->length);
	memcpy(m->at + m->length, bytes, length);
	m->length += length;
}

static void add16(struct message *m, uint16_t value)
{
	const uint8_t bytes[] = { value >> 8, value };

	add(m, bytes, 2);
}

static struct message begin(uint16_t questions, uint16_t answers)
{
	struct message m = { 0 };

	add16(&m, 0);
	add16(&m, answers ? 0x8400 : 0);
	add16(&m, questions);
	add16(&m, answers);
	add(&m, "\0\0\0\0", 4);
	return m;
}

/* Labels separated by "/". Returns its offset. */
static uint32_t add_labels(struct message *m, const char *labels)
{
	uint32_t at = m->length;

	while (*labels) {
		uint8_t n = strcspn(labels, "/");

		add(m, &n, 1);
		add(m, labels, n);
		labels += n + (labels[n] == '/');
	}
	return at;
}

static uint32_t add_name(struct message *m, const char *labels)
{
	uint32_t at = add_labels(m, labels);

	add(m, "", 1);
	return at;
}

static void add_question(struct message *m, const char *name, uint16_t type)
{
	add_name(m, name);
	add16(m, type);
	add16(m, 1);
}

/* A record with data of this length to come. */
static void add_record(struct message *m, const char *name, uint16_t type, uint16_t length)
{
	add_question(m, name, type);
	add(m, "\0\0\0\170", 4);
	add16(m, length);
}

static void add_ptr(struct message *m, const char *target)
{
	struct message name = { 0 };

	add_name(&name, target);
	add_record(m, "_x/local", PTR, name.length);
	add(m, name.at, name.length);
}

static void send(struct rig *r, const struct message *m)
{
	assert_int_equal(rig_packet(r, &(struct rig_packet){ .src_port = 5353,
							     .dst_port = 5353,
							     .payload = m->at,
							     .length = m->length }),
			 0);
}

static void assert_names(struct rig *r, const char *answers, const char *questions)
{
	assert_string_equal(rig_string(r, "mdns_ptr"), answers);
	assert_string_equal(rig_string(r, "mdns_queries"), questions);
	rig_release(r);
}

static void send_one(const struct message *m, const char *answers, const char *questions)
{
	struct rig r;

	rig_open(&r, &plugin_mdns, "");
	assert_int_equal(r.packets, 16);
	send(&r, m);
	assert_names(&r, answers, questions);
	rig_close(&r);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void lists(void **state)
{
	struct message query = begin(3, 1), answer = begin(0, 4);
	struct rig r;

	(void)state;
	add_question(&query, "_ipp/_tcp/local", PTR);
	add_question(&query, "host/local", 1);
	add_question(&query, "_http/_tcp/local", PTR);
	add_ptr(&query, "known/_ipp/_tcp/local"); /* a known answer */
	add_ptr(&answer, "known/_ipp/_tcp/local");
	add_record(&answer, "a/local", TXT, 3);
	add(&answer, "\2xy", 3);
	add_ptr(&answer, "b [00:1a]/_workstation/_tcp/local");
	add_ptr(&answer, "known/_ipp/_tcp/local");
	rig_open(&r, &plugin_mdns, "");
	send(&r, &query);
	send(&r, &query);
	send(&r, &answer);
	assert_int_equal(r.flow.expiration_id, 0);
	assert_names(&r, "known._ipp._tcp.local,b [00:1a]._workstation._tcp.local",
		     "_ipp._tcp.local,_http._tcp.local");
	send(&r, &answer);
	assert_names(&r, "known._ipp._tcp.local,b [00:1a]._workstation._tcp.local", "");
	rig_close(&r);
}

/* A name that is the beginning or the end of another one is a name of its own. */
static void alike(void **state)
{
	struct message m = begin(0, 5);

	(void)state;
	add_ptr(&m, "abc");
	add_ptr(&m, "ab");
	add_ptr(&m, "bc");
	add_ptr(&m, "abcd");
	add_ptr(&m, "ABC");
	send_one(&m, "abc,ab,bc,abcd,ABC", "");
}

static void escapes(void **state)
{
	struct message m = begin(0, 3);

	(void)state;
	add_ptr(&m, "a,b.c\\d\n\x7f/local");
	add_ptr(&m, "J\xc3\xb6rg \xe2\x80\x99 \xf0\x9f\x98\x80");
	add_ptr(&m, "\xff\xc3/\xc2\x85\xe0\x80\x80\xed\xa0\x80");
	send_one(&m,
		 "a\\044b\\046c\\092d\\010\\127.local,"
		 "J\xc3\xb6rg \xe2\x80\x99 \xf0\x9f\x98\x80,"
		 "\\255\\195.\\194\\133\\224\\128\\128\\237\\160\\128",
		 "");
}

/* A zero byte in a label is text, and ends neither the label nor the list. */
static void zero_in_label(void **state)
{
	struct message m = begin(0, 1);

	(void)state;
	add_record(&m, "x", PTR, 6);
	add(&m, "\3a\0b\1c\0", 7);
	send_one(&m, "a\\000b.c", "");
}

/* --- compression ------------------------------------------------------------------------------ */

static void pointers(void **state)
{
	struct message m = begin(1, 3);
	uint32_t tail, middle;

	(void)state;
	tail = m.length + 5;
	add_question(&m, "_ipp/_tcp/local", PTR);
	add16(&m, 0xc000 | tail); /* the owner, compressed */
	add16(&m, PTR);
	add(&m, "\0\1\0\0\0\170", 6);
	add16(&m, 4);
	middle = add_labels(&m, "a");
	add16(&m, 0xc000 | tail);
	add_record(&m, "y", PTR, 4);
	add_labels(&m, "b");
	add16(&m, 0xc000 | middle);
	add_record(&m, "z", PTR, 2);
	add16(&m, 0xc000 | middle);
	send_one(&m, "a._tcp.local,b.a._tcp.local", "_ipp._tcp.local");
}

/* To itself, forward, to behind the end, into a loop of two, and half a pointer. */
static void bad_pointers(void **state)
{
	struct message m;

	(void)state;
	for (int way = 0; way < 5; way++) {
		uint32_t here;

		m = begin(0, 2);
		add_ptr(&m, "good");
		add_record(&m, "x", PTR, 4);
		here = m.length;
		switch (way) {
		case 0: add16(&m, 0xc000 | here); break;
		case 1: add16(&m, 0xc000 | (here + 2)); break;
		case 2: add16(&m, 0xffff); break;
		case 3:
			add(&m, "\1a", 2);
			add16(&m, 0xc000 | here);
			break;
		case 4: add(&m, "\300", 1); break;
		}
		if (way == 1)
			add(&m, "\1b\0", 3);
		send_one(&m, "good", "");
	}
}

/* 128 pointers, each to the one before, are one more than a name may have. */
static void many_pointers(void **state)
{
	for (int count = 127; count <= 128; count++) {
		struct message m = begin(0, 2);
		uint32_t at;

		(void)state;
		add_record(&m, "x", TXT, 3 + 2 * (count - 1));
		at = add_name(&m, "a");
		for (int i = 1; i < count; i++) {
			uint32_t target = at;

			at = m.length;
			add16(&m, 0xc000 | target);
		}
		add_record(&m, "y", PTR, 2);
		add16(&m, 0xc000 | at);
		send_one(&m, count == 127 ? "a" : "", "");
	}
}

/* 255 bytes with the root's, and one more; in place and through a pointer. */
static void long_names(void **state)
{
	char labels[256], shown[256];

	(void)state;
	for (int last = 61; last <= 62; last++) {
		struct message m = begin(0, 1);

		memset(labels, 'a', sizeof(labels));
		labels[63] = labels[127] = labels[191] = '/';
		labels[192 + last] = '\0';
		strcpy(shown, labels);
		shown[63] = shown[127] = shown[191] = '.';
		add_ptr(&m, labels);
		send_one(&m, last == 61 ? shown : "", "");
	}
}

static void bad_labels(void **state)
{
	struct message m = begin(0, 1);

	(void)state;
	add_record(&m, "x", PTR, 4);
	add(&m, "\100abc\0", 5); /* 64 is no length */
	send_one(&m, "", "");
	m = begin(0, 1);
	add_record(&m, "x", PTR, 4);
	add(&m, "\77abc", 4); /* longer than the message */
	send_one(&m, "", "");
	m = begin(0, 1);
	add_record(&m, "x", PTR, 2);
	add(&m, "\1a", 2); /* no end */
	send_one(&m, "", "");
	m = begin(0, 1);
	add_ptr(&m, ""); /* the root */
	send_one(&m, "", "");
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* Cut at every byte: what is whole counts. */
static void cut_anywhere(void **state)
{
	struct message m = begin(1, 2);
	uint32_t question, first;
	struct rig r;

	(void)state;
	add_question(&m, "q", PTR);
	question = m.length;
	add_ptr(&m, "a");
	first = m.length;
	add_ptr(&m, "b");
	rig_open(&r, &plugin_mdns, "");
	for (uint32_t cut = 0; cut <= m.length; cut++) {
		uint32_t left = m.length - cut;
		struct rig_packet p = {
			.dst_port = 5353, .payload = m.at, .length = m.length, .cut = cut
		};

		assert_int_equal(rig_packet(&r, &p), 0);
		assert_names(&r,
			     left < first      ? ""
			     : left < m.length ? "a"
					       : "a,b",
			     left < question ? "" : "q");
	}
	rig_close(&r);
}

/* A list has 64 x 255 bytes: names of control characters, 912 bytes each, fill it before 64 do. */
static void full_list(void **state)
{
	struct rig r;
	char labels[256];
	size_t length;

	(void)state;
	rig_open(&r, &plugin_mdns, "packets=20");
	for (int i = 0; i < 20; i++) {
		struct message m = begin(0, 1);

		memset(labels, 1, sizeof(labels));
		labels[0] = 'a' + i;
		labels[57] = labels[57 * 2 + 1] = labels[57 * 3 + 2] = '/';
		labels[57 * 4 + 3] = '\0';
		add_ptr(&m, labels);
		send(&r, &m);
	}
	length = strlen(rig_string(&r, "mdns_ptr"));
	/* a letter, 227 escapes of 4, 3 dots, and a comma but for the last */
	assert_int_equal(length, 17 * (1 + 227 * 4 + 3 + 1) - 1);
	assert_true(length < 64 * 255 && length + 913 > 64 * 255);
	rig_release(&r);
	rig_close(&r);
}

/* 64 names of a flow; 256 records of a message, and no answers behind too many questions. */
static void many(void **state)
{
	struct message m = begin(0, 70), empty = begin(0, 300), questions = begin(257, 1);
	struct rig r;
	char name[16];

	(void)state;
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "n%02d", i);
		add_ptr(&m, name);
	}
	rig_open(&r, &plugin_mdns, "");
	send(&r, &m);
	assert_int_equal(strlen(rig_string(&r, "mdns_ptr")), 64 * 4 - 1);
	assert_string_equal(rig_string(&r, "mdns_ptr") + 63 * 4, "n63");
	rig_release(&r);
	for (int i = 0; i < 255; i++)
		add_record(&empty, "", 1, 0);
	add_ptr(&empty, "last");
	add_ptr(&empty, "lost");
	send(&r, &empty);
	assert_names(&r, "last", "");
	for (int i = 0; i < 257; i++)
		add_question(&questions, i ? "" : "q", PTR);
	add_ptr(&questions, "lost");
	send(&r, &questions);
	assert_names(&r, "", "q");
	rig_close(&r);
}

static void others(void **state)
{
	struct message m = begin(0, 1);
	struct rig_packet p;
	struct rig r;

	(void)state;
	add_ptr(&m, "a");
	rig_open(&r, &plugin_mdns, "packets=4");
	assert_int_equal(r.packets, 4);
	p = (struct rig_packet){ .dst_port = 53, .payload = m.at, .length = m.length };
	assert_int_equal(rig_packet(&r, &p), 0);
	p.dst_port = 5353;
	p.protocol = PROTO_TCP;
	assert_int_equal(rig_packet(&r, &p), 0);
	p.protocol = 0;
	p.no_bytes = true;
	assert_int_equal(rig_packet(&r, &p), 0);
	assert_int_equal(rig_show(&r, NULL), 0);
	assert_string_equal(rig_string(&r, "mdns_ptr"), "");
	p.no_bytes = false;
	assert_int_equal(rig_packet(&r, &p), 0);
	assert_string_equal(rig_string(&r, "mdns_ptr"), "a");
	m.at[m.length - 2] = 'b';
	assert_int_equal(rig_packet(&r, &p), 0); /* the fifth */
	assert_names(&r, "a", "");
	p.src_port = 5353;
	p.dst_port = 1024;
	assert_int_equal(rig_packet(&r, &p), 0);
	assert_names(&r, "b", "");
	rig_close(&r);
}

static void options(void **state)
{
	(void)state;
	rig_refused(&plugin_mdns, "packets=all", "packets: \"all\" is no number from 1 to 65535");
	rig_refused(&plugin_mdns, "names=1", "\"names\" is none of its options: packets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),         cmocka_unit_test(alike),
		cmocka_unit_test(escapes),       cmocka_unit_test(zero_in_label),
		cmocka_unit_test(pointers),      cmocka_unit_test(bad_pointers),
		cmocka_unit_test(many_pointers), cmocka_unit_test(long_names),
		cmocka_unit_test(bad_labels),    cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(many),          cmocka_unit_test(full_list),
		cmocka_unit_test(others),        cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
