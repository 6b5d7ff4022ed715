/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads IPFIX messages with libfixbuf, which learns our own elements from the messages themselves,
 * and prints a JSON object for each data record: "template", "domain", then its values by
 * libfixbuf's names; lists by the name of what they hold. A complaint of libfixbuf ends it.
 * usage: fixbuf_read FILE
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fixbuf/public.h>

#define NTP_EPOCH_S 2208988800u

static void die(const char *what, const GError *err)
{
	fprintf(stderr, "fixbuf_read: %s: %s\n", what, err ? err->message : "?");
	exit(1);
}

static void complained(const gchar *domain, GLogLevelFlags level, const gchar *message,
		       gpointer data)
{
	(void)domain;
	(void)level;
	(void)data;
	fprintf(stderr, "fixbuf_read: libfixbuf says: %s\n", message);
	exit(1);
}

/* --- values ----------------------------------------------------------------------------------- */

static void print_string(const uint8_t *bytes, size_t length)
{
	if (!g_utf8_validate((const char *)bytes, length, NULL))
		die("a string", NULL);
	putchar('"');
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			printf("\\%c", bytes[i]);
		else if (bytes[i] < 0x20)
			printf("\\u%04x", bytes[i]);
		else
			putchar(bytes[i]);
	}
	putchar('"');
}

static void print_octets(const uint8_t *bytes, size_t length)
{
	putchar('"');
	for (size_t i = 0; i < length; i++)
		printf("%s%02x", i ? ":" : "", bytes[i]);
	putchar('"');
}

static void print_address(int family, const uint8_t *bytes)
{
	char text[INET6_ADDRSTRLEN];
	uint32_t ipv4;

	/* libfixbuf has IPv4 in host order */
	if (family == AF_INET) {
		memcpy(&ipv4, bytes, 4);
		ipv4 = htonl(ipv4);
		bytes = (const uint8_t *)&ipv4;
	}
	printf("\"%s\"", inet_ntop(family, bytes, text, sizeof(text)));
}

/* libfixbuf has numbers in host order, of the length they have on the wire. */
static uint64_t read_uint(const uint8_t *bytes, uint16_t length)
{
	uint64_t value = 0;

	memcpy(&value, bytes, length);
	return value;
}

static int64_t read_int(const uint8_t *bytes, uint16_t length)
{
	int unused = 64 - 8 * length;

	return (int64_t)(read_uint(bytes, length) << unused) >> unused;
}

static void print_ntp(uint64_t value)
{
	uint32_t seconds = (value >> 32) - NTP_EPOCH_S; /* of any era */
	uint64_t fraction = value & UINT32_MAX;

	printf("%llu", seconds * 1000000000ull + (fraction * 1000000000 >> 32));
}

static void print_fixed(const fbInfoElement_t *ie, const uint8_t *at, uint16_t length)
{
	double number;

	switch (ie->type) {
	case FB_FLOAT_64:
		memcpy(&number, at, sizeof(number));
		printf("%.17g", number);
		return;
	case FB_INT_8:
	case FB_INT_16:
	case FB_INT_32:
	case FB_INT_64: printf("%" PRIi64, read_int(at, length)); return;
	case FB_IP4_ADDR: print_address(AF_INET, at); return;
	case FB_IP6_ADDR: print_address(AF_INET6, at); return;
	case FB_STRING: print_string(at, strnlen((const char *)at, length)); return;
	case FB_MAC_ADDR:
	case FB_OCTET_ARRAY: print_octets(at, length); return;
	case FB_DT_NANOSEC: print_ntp(read_uint(at, length)); return;
	default: printf("%" PRIu64, read_uint(at, length)); return;
	}
}

static void print_list(fbBasicList_t *list)
{
	const fbInfoElement_t *ie = fbBasicListGetInfoElement(list);
	void *item = NULL;
	const char *comma = "";

	if (fbBasicListGetSemantic(list) != FB_LIST_SEM_ORDERED)
		die("a list without an order", NULL);
	printf("\"%s\":[", ie->ref.name);
	while ((item = fbBasicListGetNextPtr(list, item))) {
		fputs(comma, stdout);
		print_fixed(ie, item, list->dataLength / list->numElements);
		comma = ",";
	}
	putchar(']');
	fbBasicListClear(list);
}

/* Returns the bytes that the value takes in the record. */
static size_t print_value(const fbInfoElement_t *ie, uint8_t *at)
{
	fbVarfield_t text;

	putchar(',');
	if (ie->type == FB_BASIC_LIST) {
		print_list((fbBasicList_t *)at);
		return sizeof(fbBasicList_t);
	}
	printf("\"%s\":", ie->ref.canon->ref.name);
	if (ie->len != FB_IE_VARLEN) {
		print_fixed(ie, at, ie->len);
		return ie->len;
	}
	memcpy(&text, at, sizeof(text));
	if (ie->type == FB_STRING)
		print_string(text.buf, text.len);
	else
		print_octets(text.buf, text.len);
	return sizeof(text);
}

/* --- messages --------------------------------------------------------------------------------- */

/* Records in memory have the template of those on the wire. */
static void on_template(fbSession_t *session, uint16_t id, fbTemplate_t *template, void *context,
			void **data, fbTemplateCtxFree_fn *free_data)
{
	GError *err = NULL;

	(void)context;
	(void)data;
	(void)free_data;
	fbSessionRemoveTemplate(session, TRUE, id, NULL);
	if (!fbSessionAddTemplate(session, TRUE, id, template, &err))
		die("template", err);
}

static void print_record(fBuf_t *buffer, fbTemplate_t *template, uint16_t id, uint8_t *record)
{
	printf("{\"template\":%u,\"domain\":%u", id, fbSessionGetDomain(fBufGetSession(buffer)));
	for (uint32_t i = 0; i < fbTemplateCountElements(template); i++)
		record += print_value(fbTemplateGetIndexedIE(template, i), record);
	puts("}");
}

/* False at the end. */
static bool read_record(fBuf_t *buffer)
{
	static uint8_t record[1 << 17];
	size_t length = sizeof(record);
	GError *err = NULL;
	uint16_t id;
	fbTemplate_t *template = fBufNextCollectionTemplate(buffer, &id, &err);

	if (!template) {
		if (!g_error_matches(err, FB_ERROR_DOMAIN, FB_ERROR_EOF))
			die("message", err);
		g_clear_error(&err);
		return false;
	}
	memset(record, 0, sizeof(record));
	if (!fBufSetInternalTemplate(buffer, id, &err))
		die("internal template", err);
	if (!fBufNext(buffer, record, &length, &err)) {
		if (!g_error_matches(err, FB_ERROR_DOMAIN, FB_ERROR_EOF))
			die("record", err);
		g_clear_error(&err);
		return false;
	}
	print_record(buffer, template, id, record);
	return true;
}

int main(int argc, char **argv)
{
	GError *err = NULL;
	fbInfoModel_t *model = fbInfoModelAlloc();
	fbSession_t *session = fbSessionAlloc(model);
	fbCollector_t *collector;
	fBuf_t *buffer;

	if (argc != 2) {
		fputs("usage: fixbuf_read FILE\n", stderr);
		return 2;
	}
	g_log_set_default_handler(complained, NULL);
	fbSessionAddNewTemplateCallback(session, on_template, NULL);
	collector = fbCollectorAllocFile(NULL, argv[1], &err);
	if (!collector)
		die(argv[1], err);
	buffer = fBufAllocForCollection(session, collector);
	if (!fBufSetAutomaticInsert(buffer, &err))
		die("automatic insert", err);
	while (read_record(buffer))
		;
	fBufFree(buffer);
	fbInfoModelFree(model);
	return 0;
}
