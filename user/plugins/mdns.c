/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast DNS (RFC 6762): the names that PTR answers point to, which are the services and hosts
 * of a link, and the names that PTR questions ask for. Each name once, in the order of appearance.
 * packets=N looks at the first N packets of a flow (16).
 */
#include "plugin_options.h"
#include "plugin_packet.h"
#include "plugin_text.h"

#define PORT_MDNS       5353
#define DEFAULT_PACKETS 16
#define MAX_PACKETS     65535
#define MAX_NAMES       64                /* of a list */
#define MAX_LIST        (MAX_NAMES * 255) /* bytes of its text: escapes may make four of one */
#define MAX_RECORDS     256               /* of a section of a message */
#define MAX_NAME        254 /* bytes on the wire, but for the root's (RFC 1035 section 2.3.4) */
#define MAX_POINTERS    127 /* labels that a name has room for */
#define HEADER_LENGTH   12
#define TYPE_PTR        12

struct mdns {
	uint64_t packets;
};

struct names {
	const char *text; /* the state's own: names separated by commas */
	uint32_t count;
};

struct mdns_state {
	struct names answers, questions;
};

static const struct weir_plugin_column mdns_columns[] = {
	{ "mdns_ptr", "", "names that PTR answers point to", WEIR_STORE_STRING,
	  offsetof(struct mdns_state, answers.text) },
	{ "mdns_queries", "", "names that PTR questions ask for", WEIR_STORE_STRING,
	  offsetof(struct mdns_state, questions.text) },
};

static int mdns_option(void *context, const struct weir_plugin_args *args,
		       const struct weir_plugin_option *o)
{
	struct mdns *c = context;

	return option_is(o, "packets") ? option_number(args, o, 1, MAX_PACKETS, &c->packets)
				       : option_unknown(args, o, "packets");
}

static int mdns_open(void **context, const struct weir_plugin_args *args)
{
	const struct mdns defaults = { .packets = DEFAULT_PACKETS };
	int err = options_open(context, args, &defaults, sizeof(defaults), mdns_option);

	if (!err)
		*args->packets = ((const struct mdns *)*context)->packets;
	return err;
}

/* --- messages --------------------------------------------------------------------------------- */

struct message {
	const uint8_t *at;
	size_t length;
};

/*
 * Adds the name at offset to text, labels joined by "."; dots and commas in labels are escaped.
 * False: it is broken. Each pointer leads to before where the name, or the part at hand, begins, so
 * that none is met twice.
 */
static bool read_name(const struct message *m, size_t offset, struct text *text)
{
	size_t begin = offset, wire = 0;
	int pointers = 0;

	while (offset < m->length && m->at[offset]) {
		const uint8_t *label = m->at + offset;
		size_t left = m->length - offset - 1, n = *label;

		if (n >= 0xc0) {
			if (!left || ++pointers > MAX_POINTERS)
				return false;
			offset = read_be16(label) & 0x3fff;
			if (offset >= begin)
				return false;
			begin = offset;
			continue;
		}
		wire += 1 + n;
		if (n > 63 || n > left || wire > MAX_NAME)
			return false;
		if (text->length)
			text_add(text, ".");
		text_add_escaped(text, label + 1, n, ".,");
		offset += 1 + n;
	}
	return offset < m->length;
}

/* The offset behind the name; the message's length or more when it is broken. */
static size_t skip_name(const struct message *m, size_t offset)
{
	while (offset < m->length && m->at[offset]) {
		if (m->at[offset] >= 0xc0)
			return offset + 2;
		offset += 1 + m->at[offset];
	}
	return offset + 1;
}

/* --- lists ------------------------------------------------------------------------------------ */

static bool is_listed(const char *list, const struct text *name)
{
	while (list) {
		const char *comma = strchrnul(list, ',');

		if ((size_t)(comma - list) == name->length && !memcmp(list, name->at, name->length))
			return true;
		list = *comma ? comma + 1 : NULL;
	}
	return false;
}

static int list_add(struct names *list, const struct text *name)
{
	struct text t = { 0 };
	char *taken;

	if (list->count == MAX_NAMES || is_listed(list->text, name))
		return 0;
	if (name->length + 1 > MAX_LIST - (list->text ? strlen(list->text) : 0))
		return 0;
	if (list->count) {
		text_add(&t, list->text);
		text_add(&t, ",");
	}
	text_add_bytes(&t, name->at, name->length);
	taken = text_take(&t);
	if (!taken)
		return -ENOMEM;
	free((char *)list->text);
	list->text = taken;
	list->count++;
	return 0;
}

static int list_add_name(struct names *list, const struct message *m, size_t offset)
{
	struct text name = { 0 };
	bool good = read_name(m, offset, &name);
	int err = name.failed ? -ENOMEM : 0;

	if (good && !err && name.length)
		err = list_add(list, &name);
	free(name.at);
	return err;
}

/* --- sections --------------------------------------------------------------------------------- */

/* Name, type, class. *offset goes behind them, and to the message's end when they are broken. */
static int read_questions(struct names *list, const struct message *m, size_t *offset)
{
	uint16_t count = read_be16(m->at + 4);
	int err = 0;

	for (int i = 0; i < count && !err; i++) {
		size_t name = *offset, type = skip_name(m, name);

		*offset = m->length;
		if (i == MAX_RECORDS || type + 4 > m->length)
			return 0;
		if (read_be16(m->at + type) == TYPE_PTR)
			err = list_add_name(list, m, name);
		*offset = type + 4;
	}
	return err;
}

/* Name, type, class, time to live, length, data. */
static int read_answers(struct names *list, const struct message *m, size_t offset)
{
	uint16_t count = read_be16(m->at + 6);
	int err = 0;

	for (int i = 0; i < count && i < MAX_RECORDS && !err; i++) {
		size_t type = skip_name(m, offset);

		if (type + 10 > m->length)
			return 0;
		if (read_be16(m->at + type) == TYPE_PTR)
			err = list_add_name(list, m, type + 10);
		offset = type + 10 + read_be16(m->at + type + 8);
	}
	return err;
}

static int read_message(struct mdns_state *s, const struct message *m)
{
	size_t offset = HEADER_LENGTH;
	int err = read_questions(&s->questions, m, &offset);

	return err ? err : read_answers(&s->answers, m, offset);
}

/* --- hooks ------------------------------------------------------------------------------------ */

static int mdns_packet(void *context, void *state, const struct weir_packet *packet,
		       struct weir_flow *flow)
{
	const struct mdns *c = context;
	struct message m;
	uint32_t length;

	if (!packet || packet->protocol != PROTOCOL_UDP ||
	    (packet->src_port != PORT_MDNS && packet->dst_port != PORT_MDNS) ||
	    !packet_is_among(packet, flow, c->packets))
		return 0;
	m.at = packet_payload(packet, &length);
	m.length = length;
	return length >= HEADER_LENGTH ? read_message(state, &m) : 0;
}

static void mdns_release(void *context, void *state)
{
	struct mdns_state *s = state;

	(void)context;
	free((char *)s->answers.text);
	free((char *)s->questions.text);
}

const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = DEFAULT_PACKETS,
	.name = "mdns",
	.version = "1",
	.flow_size = sizeof(struct mdns_state),
	.column_count = sizeof(mdns_columns) / sizeof(mdns_columns[0]),
	.columns = mdns_columns,
	.open = mdns_open,
	.on_init = mdns_packet,
	.on_update = mdns_packet,
	.on_release = mdns_release,
	.cleanup = free,
};
