/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DHCP (RFC 2131): what clients ask for and who they say they are. A transaction is a flow of its
 * own: a flow ends with ACK, NACK, INFORM, DECLINE and with each message of a client that has no
 * address yet; split=no leaves flows alone. packets=N looks at the first N packets of a flow (16).
 */
#include "plugin_options.h"
#include "plugin_packet.h"
#include "plugin_text.h"

#define PORT_SERVER     67
#define DEFAULT_PACKETS 16
#define MAX_PACKETS     65535
#define MAX_LISTED      128  /* options, and messages */
#define MAX_TEXT        1024 /* a text that long grows no further */

#define MAGIC         0x63825363
#define FIXED_LENGTH  240 /* fixed fields and magic; options follow */
#define SNAME_OFFSET  44
#define SNAME_LENGTH  64
#define FILE_OFFSET   108
#define FILE_LENGTH   128
#define OP_REQUEST    1
#define HTYPE_ETHER   1
#define OVERLOAD_FILE 1
#define OVERLOAD_NAME 2

/* RFC 2132 */
enum option {
	OPTION_PAD = 0,
	OPTION_HOST_NAME = 12,
	OPTION_REQUESTED = 50,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_PARAMETERS = 55,
	OPTION_MAX_SIZE = 57,
	OPTION_VENDOR_CLASS = 60,
	OPTION_USER_CLASS = 77,
	OPTION_END = 255,
};

enum type { TYPE_REQUEST = 3, TYPE_DECLINE = 4, TYPE_ACK = 5, TYPE_NACK = 6, TYPE_INFORM = 8 };

static const char *const type_names[] = {
	"BOOTP",
	"DISCOVER",
	"OFFER",
	"REQUEST",
	"DECLINE",
	"ACK",
	"NACK",
	"RELEASE",
	"INFORM",
	"FORCERENEW",
	"LEASEQUERY",
	"LEASEUNASSIGNED",
	"LEASEUNKNOWN",
	"LEASEACTIVE",
	"BULKLEASEQUERY",
	"LEASEQUERYDONE",
	"ACTIVELEASEQUERY",
	"LEASEQUERYSTATUS",
	"TLS",
};

struct dhcp {
	uint64_t packets;
	unsigned int split;
};

struct dhcp_state {
	const char *type; /* of type_names */
	/* The state's own. */
	const char *messages, *options, *parameters, *host_name, *vendor_class, *user_class;
	char address[16], requested[16], oui[9];
	uint8_t message_count;
	uint16_t max_size;
};

#define COLUMN(member) offsetof(struct dhcp_state, member)
static const struct weir_plugin_column dhcp_columns[] = {
	{ "dhcp_msg_type", "", "type of the first DHCP message", WEIR_STORE_STRING, COLUMN(type) },
	{ "dhcp_messages", "", "types of the DHCP messages", WEIR_STORE_STRING, COLUMN(messages) },
	{ "dhcp_options", "", "options of the last REQUEST, else of the client's first message",
	  WEIR_STORE_STRING, COLUMN(options) },
	{ "dhcp_50", "", "address that it requests", WEIR_STORE_CHARS, COLUMN(requested) },
	{ "dhcp_55", "", "parameters that it requests", WEIR_STORE_STRING, COLUMN(parameters) },
	{ "dhcp_oui", "", "first three bytes of the client's link address", WEIR_STORE_CHARS,
	  COLUMN(oui) },
	{ "dhcp_12", "", "host name of the client", WEIR_STORE_STRING, COLUMN(host_name) },
	{ "dhcp_57", "bytes", "longest message that the client takes", WEIR_STORE_U16,
	  COLUMN(max_size) },
	{ "dhcp_60", "", "vendor class of the client", WEIR_STORE_STRING, COLUMN(vendor_class) },
	{ "dhcp_77", "", "user class of the client", WEIR_STORE_STRING, COLUMN(user_class) },
	{ "dhcp_addr", "", "address that the client got, or has", WEIR_STORE_CHARS,
	  COLUMN(address) },
};

static int dhcp_option(void *context, const struct weir_plugin_args *args,
		       const struct weir_plugin_option *o)
{
	struct dhcp *c = context;
	static const char *const answers[] = { "no", "yes", NULL };

	if (option_is(o, "packets"))
		return option_number(args, o, 1, MAX_PACKETS, &c->packets);
	if (option_is(o, "split"))
		return option_choice(args, o, answers, "no, yes", &c->split);
	return option_unknown(args, o, "packets, split");
}

static int dhcp_open(void **context, const struct weir_plugin_args *args)
{
	const struct dhcp defaults = { .packets = DEFAULT_PACKETS, .split = 1 };
	int err = options_open(context, args, &defaults, sizeof(defaults), dhcp_option);

	if (!err)
		*args->packets = ((const struct dhcp *)*context)->packets;
	return err;
}

/* --- one message ------------------------------------------------------------------------------ */

struct message {
	const uint8_t *at; /* FIXED_LENGTH bytes at least */
	uint32_t length;
	uint8_t type, overload;
	uint16_t max_size;
	const uint8_t *requested; /* 4 bytes, or NULL */
	uint32_t listed;
	struct text options, parameters, host_name, vendor_class, user_class;
};

static void add_numbers(struct text *t, const uint8_t *at, uint8_t length)
{
	for (uint8_t i = 0; i < length && t->length < MAX_TEXT; i++) {
		if (t->length)
			text_add(t, ",");
		text_add_number(t, at[i]);
	}
}

/* Without the zeros that some put behind a text. An option that comes again goes on (RFC 3396). */
static void add_text(struct text *t, const uint8_t *at, uint8_t length)
{
	while (length && !at[length - 1])
		length--;
	if (t->length < MAX_TEXT)
		text_add_escaped(t, at, length, "");
}

static void read_option(struct message *m, uint8_t code, const uint8_t *at, uint8_t length)
{
	if (m->listed++ < MAX_LISTED)
		add_numbers(&m->options, &code, 1);
	switch (code) {
	case OPTION_HOST_NAME: add_text(&m->host_name, at, length); break;
	case OPTION_VENDOR_CLASS: add_text(&m->vendor_class, at, length); break;
	case OPTION_USER_CLASS: add_text(&m->user_class, at, length); break;
	case OPTION_PARAMETERS: add_numbers(&m->parameters, at, length); break;
	case OPTION_TYPE: m->type = length == 1 ? at[0] : m->type; break;
	case OPTION_OVERLOAD: m->overload = length == 1 ? at[0] : m->overload; break;
	case OPTION_REQUESTED: m->requested = length == 4 ? at : m->requested; break;
	case OPTION_MAX_SIZE: m->max_size = length == 2 ? read_be16(at) : m->max_size; break;
	}
}

/* As far as they are whole. */
static void read_options(struct message *m, const uint8_t *at, size_t left)
{
	while (left && *at != OPTION_END) {
		size_t step = 1;

		if (*at != OPTION_PAD) {
			if (left < 2 || left - 2 < at[1])
				return;
			read_option(m, at[0], at + 2, at[1]);
			step = 2 + at[1];
		}
		at += step;
		left -= step;
	}
}

static bool read_message(struct message *m, const uint8_t *at, uint32_t length)
{
	*m = (struct message){ .at = at, .length = length };
	if (length < FIXED_LENGTH || read_be32(at + FIXED_LENGTH - 4) != MAGIC)
		return false;
	read_options(m, at + FIXED_LENGTH, length - FIXED_LENGTH);
	if (m->overload & OVERLOAD_FILE)
		read_options(m, at + FILE_OFFSET, FILE_LENGTH);
	if (m->overload & OVERLOAD_NAME)
		read_options(m, at + SNAME_OFFSET, SNAME_LENGTH);
	return true;
}

static void forget_message(struct message *m)
{
	free(m->options.at);
	free(m->parameters.at);
	free(m->host_name.at);
	free(m->vendor_class.at);
	free(m->user_class.at);
}

/* --- into the flow's state -------------------------------------------------------------------- */

/* The text becomes the column's; an empty one only with clear. */
static int keep_text(const char **column, struct text *t, bool clear)
{
	bool empty = !t->length && !t->failed;
	char *taken = empty ? NULL : text_take(t);

	if (empty && !clear)
		return 0;
	if (!empty && !taken)
		return -ENOMEM;
	free((char *)*column);
	*column = taken;
	return 0;
}

static void put_address(char to[16], const uint8_t *at)
{
	snprintf(to, 16, "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
}

static int keep_request(struct dhcp_state *s, struct message *m)
{
	int err = keep_text(&s->options, &m->options, true);

	if (!err)
		err = keep_text(&s->parameters, &m->parameters, true);
	s->requested[0] = s->oui[0] = '\0';
	if (m->requested)
		put_address(s->requested, m->requested);
	if (m->at[1] == HTYPE_ETHER && m->at[2] == 6)
		snprintf(s->oui, sizeof(s->oui), "%02x:%02x:%02x", m->at[28], m->at[29], m->at[30]);
	return err;
}

static int keep_client(struct dhcp_state *s, struct message *m)
{
	int err = 0;

	if (m->type == TYPE_REQUEST || !s->options)
		err = keep_request(s, m);
	if (!err)
		err = keep_text(&s->host_name, &m->host_name, false);
	if (!err)
		err = keep_text(&s->vendor_class, &m->vendor_class, false);
	if (!err)
		err = keep_text(&s->user_class, &m->user_class, false);
	if (m->max_size)
		s->max_size = m->max_size;
	return err;
}

static int keep_type(struct dhcp_state *s, uint8_t type)
{
	size_t known = sizeof(type_names) / sizeof(type_names[0]);
	const char *name = type < known ? type_names[type] : "UNKNOWN";
	struct text t = { 0 };

	if (!s->type)
		s->type = name;
	if (s->message_count == MAX_LISTED)
		return 0;
	if (s->message_count++) {
		text_add(&t, s->messages);
		text_add(&t, ",");
	}
	text_add(&t, name);
	return keep_text(&s->messages, &t, false);
}

static int keep_message(struct dhcp_state *s, struct message *m)
{
	const uint8_t *ciaddr = m->at + 12, *yiaddr = m->at + 16;
	int err = keep_type(s, m->type);

	if (m->type == TYPE_REQUEST && read_be32(ciaddr))
		put_address(s->address, ciaddr);
	if (m->type == TYPE_ACK && read_be32(yiaddr))
		put_address(s->address, yiaddr);
	if (!err && m->at[0] == OP_REQUEST)
		err = keep_client(s, m);
	return err;
}

/* --- hooks ------------------------------------------------------------------------------------ */

static bool ends_transaction(const struct message *m, const struct weir_packet *packet)
{
	return m->type == TYPE_ACK || m->type == TYPE_NACK || m->type == TYPE_INFORM ||
	       m->type == TYPE_DECLINE || !read_be32(packet->src_ip + 12);
}

static bool is_dhcp(const struct weir_packet *p)
{
	return p->version == 4 && p->protocol == PROTOCOL_UDP &&
	       (p->src_port == PORT_SERVER || p->dst_port == PORT_SERVER);
}

static int dhcp_packet(void *context, void *state, const struct weir_packet *packet,
		       struct weir_flow *flow)
{
	const struct dhcp *c = context;
	const uint8_t *payload;
	struct message m;
	uint32_t length;
	int err = 0;

	if (!packet || !is_dhcp(packet) || !packet_is_among(packet, flow, c->packets))
		return 0;
	payload = packet_payload(packet, &length);
	if (payload && read_message(&m, payload, length)) {
		err = keep_message(state, &m);
		if (c->split && ends_transaction(&m, packet))
			flow->expiration_id = -1;
		forget_message(&m);
	}
	return err;
}

static void dhcp_release(void *context, void *state)
{
	struct dhcp_state *s = state;

	(void)context;
	free((char *)s->messages);
	free((char *)s->options);
	free((char *)s->parameters);
	free((char *)s->host_name);
	free((char *)s->vendor_class);
	free((char *)s->user_class);
}

const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = DEFAULT_PACKETS,
	.name = "dhcp",
	.version = "1",
	.flow_size = sizeof(struct dhcp_state),
	.column_count = sizeof(dhcp_columns) / sizeof(dhcp_columns[0]),
	.columns = dhcp_columns,
	.open = dhcp_open,
	.on_init = dhcp_packet,
	.on_update = dhcp_packet,
	.on_release = dhcp_release,
	.cleanup = free,
};
