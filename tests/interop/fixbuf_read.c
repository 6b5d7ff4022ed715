/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads IPFIX messages with libfixbuf, which learns our own elements from the messages themselves,
 * and prints a JSON object for each data record: "template", "domain", then its values by
 * libfixbuf's names; lists by the name of what they hold. A complaint of libfixbuf ends it, but
 * with "gaps" that of a sequence number, which is what messages that were dropped leave.
 * usage: fixbuf_read FILE [gaps]
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixbuf.h"

#define NTP_EPOCH_S 2208988800u

void fixbuf_failed(const char *what, const GError *err)
{
	fprintf(stderr, "fixbuf_read: libfixbuf: %s: %s\n", what, err ? err->message : "");
	exit(1);
}

/* --- values ----------------------------------------------------------------------------------- */

static void print_string(const uint8_t *bytes, size_t length)
{
	if (!g_utf8_validate((const char *)bytes, length, NULL))
		fixbuf_failed("a string is no UTF-8", NULL);
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
		if (isfinite(number))
			printf("%.17g", number);
		else
			fputs("null", stdout); /* JSON has no other word */
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
		fixbuf_failed("a list without an order", NULL);
	printf("\"%s\":[", ie->ref.name);
	while ((item = fbBasicListGetNextPtr(list, item))) {
		fputs(comma, stdout);
		print_fixed(ie, item, list->dataLength / list->numElements);
		comma = ",";
	}
	putchar(']');
	fbBasicListClear(list);
}

static void print_value(const fbInfoElement_t *ie, uint8_t *at)
{
	fbVarfield_t text;

	putchar(',');
	if (ie->type == FB_BASIC_LIST) {
		print_list((fbBasicList_t *)at);
		return;
	}
	printf("\"%s\":", ie->ref.canon->ref.name);
	if (ie->len != FB_IE_VARLEN) {
		print_fixed(ie, at, ie->len);
		return;
	}
	memcpy(&text, at, sizeof(text));
	if (ie->type == FB_STRING)
		print_string(text.buf, text.len);
	else
		print_octets(text.buf, text.len);
}

static void print_record(fBuf_t *buffer, fbTemplate_t *template, uint16_t id, uint8_t *record)
{
	printf("{\"template\":%u,\"domain\":%u", id, fbSessionGetDomain(fBufGetSession(buffer)));
	for (uint32_t i = 0; i < fbTemplateCountElements(template); i++) {
		const fbInfoElement_t *ie = fbTemplateGetIndexedIE(template, i);

		print_value(ie, record);
		record += fixbuf_size(ie);
	}
	puts("}");
}

static void allow_gaps(const gchar *domain, GLogLevelFlags level, const gchar *message,
		       gpointer data)
{
	if (!strstr(message, "out of sequence"))
		fixbuf_complained(domain, level, message, data);
}

int main(int argc, char **argv)
{
	static uint8_t record[FIXBUF_RECORD_MAX];
	GError *err = NULL;
	fbInfoModel_t *model = fbInfoModelAlloc();
	fbSession_t *session = fixbuf_session(model);
	fbCollector_t *collector;
	fbTemplate_t *template;
	fBuf_t *buffer;
	uint16_t id;

	if (argc != 2 && !(argc == 3 && !strcmp(argv[2], "gaps"))) {
		fputs("usage: fixbuf_read FILE [gaps]\n", stderr);
		return 2;
	}
	if (argc == 3)
		g_log_set_default_handler(allow_gaps, NULL);
	collector = fbCollectorAllocFile(NULL, argv[1], &err);
	if (!collector)
		fixbuf_failed(argv[1], err);
	buffer = fBufAllocForCollection(session, collector);
	if (!fBufSetAutomaticInsert(buffer, &err))
		fixbuf_failed("automatic insert", err);
	while ((template = fixbuf_next(buffer, &id, record)))
		print_record(buffer, template, id, record);
	fBufFree(buffer);
	fbInfoModelFree(model);
	return 0;
}
