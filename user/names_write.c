/* SPDX-License-Identifier: BSD-2-Clause */
/* Documents of --names: values as the schemas want them, in nested objects. */
#include <ctype.h>

#include "format.h"
#include "json_text.h"
#include "names.h"

#define NS_PER_MS 1000000u

#define WORD_ROOM 128 /* of what is made from a text; longer ones are cut */

/* --- texts ------------------------------------------------------------------------------------ */

/* What is empty is absent. */
static void put_text(struct text_buffer *out, const char *text)
{
	if (text && *text)
		json_text(out, text);
}

static void put_lower(struct text_buffer *out, const char *text, size_t length)
{
	char word[WORD_ROOM];
	size_t n = length < sizeof(word) - 1 ? length : sizeof(word) - 1;

	for (size_t i = 0; i < n; i++)
		word[i] = (char)tolower((unsigned char)text[i]);
	word[n] = '\0';
	put_text(out, word);
}

/* Both keywords are of IANA's Protocol Numbers. */
static const char *transport_name(uint8_t protocol)
{
	switch (protocol) {
	case 1: return "icmp";
	case 2: return "igmp";
	case 6: return "tcp";
	case 17: return "udp";
	case 33: return "dccp";
	case 41: return "ipv6";
	case 47: return "gre";
	case 50: return "esp";
	case 51: return "ah";
	case 58: return "ipv6-icmp";
	case 88: return "eigrp";
	case 89: return "ospfigp";
	case 103: return "pim";
	case 112: return "vrrp";
	case 115: return "l2tp";
	case 132: return "sctp";
	case 136: return "udplite";
	default: return "";
	}
}

static const char *end_name(uint8_t reason)
{
	switch (reason) {
	case FLOW_END_IDLE: return "idle timeout";
	case FLOW_END_ACTIVE: return "active timeout";
	case FLOW_END_DETECTED: return "end of flow seen";
	case FLOW_END_FORCED: return "forced end";
	case FLOW_END_NO_RESOURCES: return "lack of resources";
	default: return "";
	}
}

/* nDPI's MASTER.APPLICATION. What it does not know has no protocol. */
static void put_protocol(struct text_buffer *out, const char *name)
{
	if (name && strcmp(name, "Unknown") != 0)
		put_lower(out, name, strcspn(name, "."));
}

static void put_application(struct text_buffer *out, const char *name)
{
	const char *dot = name ? strchr(name, '.') : NULL;

	if (dot)
		put_lower(out, dot + 1, strlen(dot + 1));
}

static bool speaks_tls(const struct flow_record *r)
{
	return (r->text.tls_version && *r->text.tls_version) ||
	       (r->text.ja3_client && *r->text.ja3_client);
}

/* OCSF's tls object must have it. */
static const char *tls_number(const struct flow_record *r)
{
	const char *v = r->text.tls_version ? strchr(r->text.tls_version, 'v') : NULL;

	return v ? v + 1 : "";
}

static void put_tls_name(struct text_buffer *out, const char *version)
{
	if (version)
		put_lower(out, version, strcspn(version, "v"));
}

static void put_tls_md5(struct text_buffer *out, const struct flow_record *r, const char *hash)
{
	if (!*tls_number(r) || !hash || !*hash)
		return;
	text_string(out, "{\"algorithm\":\"MD5\",\"algorithm_id\":1,\"value\":");
	json_text(out, hash);
	text_char(out, '}');
}

static void put_ja4(struct text_buffer *out, const char *value)
{
	if (!value || !*value)
		return;
	text_string(out, "[{\"type\":\"JA4\",\"type_id\":1,\"value\":");
	json_text(out, value);
	text_string(out, "}]");
}

/* --- addresses, times, numbers ---------------------------------------------------------------- */

static void put_address(struct text_buffer *out, const struct flow_record *r, const uint8_t *addr)
{
	text_char(out, '"');
	text_address(out, addr, r->ip_version == 4);
	text_char(out, '"');
}

static void put_mac(struct text_buffer *out, const uint8_t *mac)
{
	size_t start;

	text_char(out, '"');
	start = out->length;
	text_mac(out, mac, 6);
	for (size_t i = start; i < out->length; i++)
		out->data[i] = out->data[i] == ':' ? '-' : toupper((unsigned char)out->data[i]);
	text_char(out, '"');
}

static void put_iso_time(struct text_buffer *out, uint64_t ns)
{
	text_char(out, '"');
	text_iso_time(out, ns);
	text_char(out, '"');
}

static void put_string(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	text_char(out, '"');
	format_value(out, f, r);
	text_char(out, '"');
}

/* A number of 0 is no tag, no interface. */
static void put_tag(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	size_t start = out->length;

	put_string(out, f, r);
	if (out->length - start == 3 && !memcmp(out->data + start, "\"0\"", 3))
		out->length = start;
}

static void put_plain(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_CHARS: put_text(out, format_text_of(f, r)); return;
	case FIELD_ADDR:
	case FIELD_MAC:
	case FIELD_OUI:
	case FIELD_ADDR_NUMBER: put_string(out, f, r); return;
	default: format_value(out, f, r); return; /* nothing if it is not known */
	}
}

static void put_nonzero(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	size_t start = out->length;

	format_value(out, f, r);
	if (out->length - start == 1 && out->data[start] == '0')
		out->length = start;
}

/* Whether its flow_id is hidden is asked before. */
static void put_record_id(struct text_buffer *out, const struct flow_record *r)
{
	char id[48];

	snprintf(id, sizeof(id), "%.16s-%llu", r->run_id ? r->run_id : "",
		 (unsigned long long)r->flow_id);
	json_text(out, id);
}

/* --- documents -------------------------------------------------------------------------------- */

static void put_value(struct text_buffer *out, const struct name_item *item,
		      const struct flow_record *r)
{
	const struct field *f = item->field;
	const void *v = f ? record_value(r, f) : NULL;
	const uint64_t *number = v;

	switch (item->as) {
	case AS_VALUE:
	case AS_REST: put_plain(out, f, r); return;
	case AS_STRING:
	case AS_REST_STRING: put_string(out, f, r); return;
	case AS_TAG: put_tag(out, f, r); return;
	case AS_NONZERO: put_nonzero(out, f, r); return;
	case AS_ISO_TIME: put_iso_time(out, *number); return;
	case AS_NS: text_u64(out, *number); return;
	case AS_MS: text_u64(out, *number / NS_PER_MS); return;
	case AS_ADDRESS: put_address(out, r, v); return;
	case AS_MAC: put_mac(out, v); return;
	case AS_TRANSPORT: put_text(out, transport_name(r->protocol)); return;
	case AS_IP_TYPE: text_string(out, r->ip_version == 4 ? "\"ipv4\"" : "\"ipv6\""); return;
	case AS_PROTOCOL: put_protocol(out, r->application_name); return;
	case AS_APPLICATION: put_application(out, r->application_name); return;
	case AS_END: put_text(out, end_name(r->end_reason)); return;
	case AS_SNI: put_text(out, speaks_tls(r) ? r->text.host : NULL); return;
	case AS_TLS_SNI: put_text(out, *tls_number(r) ? r->text.host : NULL); return;
	case AS_TLS_VERSION: put_text(out, tls_number(r)); return;
	case AS_TLS_NAME: put_tls_name(out, r->text.tls_version); return;
	case AS_TLS_MD5: put_tls_md5(out, r, format_text_of(f, r)); return;
	case AS_JA4: put_ja4(out, format_text_of(f, r)); return;
	case AS_TCP_FLAGS: text_u64(out, r->side[SIDE_BOTH].tcp_flags); return;
	case AS_RECORD_ID: put_record_id(out, r); return;
	case AS_EVENT_TYPE:
		text_string(out, r->end_reason == FLOW_END_ACTIVE ? "[\"connection\"]"
								  : "[\"connection\",\"end\"]");
		return;
	case AS_LITERAL: text_string(out, item->literal); return;
	case AS_HIDDEN: return;
	}
}

/* What is hidden is a hash under the rest, and nothing besides. */
static void put_item(struct text_buffer *out, const struct name_item *item,
		     const struct columns *columns, const struct flow_record *r,
		     struct anonymizer *anonymizer)
{
	bool rest = item->as == AS_REST || item->as == AS_REST_STRING || item->as == AS_HIDDEN;
	bool hidden = item->column != NAME_FIXED && anonymizer_hides(anonymizer, item->column);

	if (anonymizer && item->column == NAME_FIXED && item->field)
		hidden = anonymizer_hides_value(anonymizer, columns, item->field->offset);
	if (item->as == AS_RECORD_ID && anonymizer)
		hidden |= anonymizer_hides_value(anonymizer, columns,
						 offsetof(struct flow_record, flow_id));
	if (item->as == AS_TCP_FLAGS && anonymizer)
		hidden |= anonymizer_hides_value(anonymizer, columns,
						 offsetof(struct flow_record,
							  side[SIDE_DST2SRC].tcp_flags));
	if (!hidden)
		put_value(out, item, r);
	else if (rest)
		json_hidden(out, item->field, r, anonymizer);
}

/* Closes the objects of before that at is not in, opens those that it is in. */
static void go_to(struct text_buffer *out, const char *before, const char *at)
{
	size_t common = 0;

	for (size_t i = 0; before[i] && before[i] == at[i]; i++)
		if (at[i] == '.')
			common = i + 1;
	for (const char *dot = before + common; (dot = strchr(dot, '.')); dot++)
		text_char(out, '}');
	if (*before)
		text_char(out, ',');
	for (const char *name = at + common; name; name = strchr(name, '.')) {
		name += name > at + common; /* behind the dot */
		text_char(out, '"');
		text_bytes(out, name, strcspn(name, "."));
		text_string(out, strchr(name, '.') ? "\":{" : "\":");
	}
}

void names_write(struct text_buffer *out, const struct columns *columns,
		 const struct flow_record *r, struct anonymizer *anonymizer)
{
	const struct name_plan *plan = columns->names;
	const char *before = "";

	text_char(out, '{');
	for (size_t i = 0; i < plan->count; i++) {
		const struct name_item *item = &plan->items[i];
		size_t start = out->length, value;

		go_to(out, before, item->path);
		value = out->length;
		put_item(out, item, columns, r, anonymizer);
		if (out->length == value)
			out->length = start; /* absent */
		else
			before = item->path;
	}
	for (const char *dot = before; (dot = strchr(dot, '.')); dot++)
		text_char(out, '}');
	text_char(out, '}');
}
