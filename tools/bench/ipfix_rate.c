/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many flow records a second of CPU time become messages, written to /dev/null: IPFIX with 25
 * columns, two of them texts, in messages of 1400 bytes and of 64 KiB; NetFlow v9; and libfixbuf
 * with the same 25 elements.
 * usage: ipfix_rate [RECORDS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fixbuf/public.h>

#include "ipfix.h"

#define KINDS 1024 /* different records, taken in turns */
#define FIELDS                                                                          \
	"flow_id,flow_end_reason,src_ip,src_mac,src_port,dst_ip,dst_mac,dst_port,"      \
	"protocol,version,vlan_id,first_seen,last_seen,duration,src2dst_packets,"       \
	"src2dst_bytes,dst2src_packets,dst2src_bytes,src2dst_tcp_flags,"                \
	"dst2src_tcp_flags,src2dst_min_ttl,dst2src_min_ttl,app_protocol,category_name," \
	"application_name"

#define NS_PER_S 1000000000ull
#define START_NS (1700000000 * NS_PER_S)
#define PEN      32473

static struct flow_record records[KINDS];
static int sink;
static uint64_t bytes_out;

static void fill_side(struct record_side_values *v, int i)
{
	v->packets = 1 + i % 40;
	v->bytes = v->packets * 700;
	v->first_ns = START_NS + i * 1000000ull;
	v->last_ns = v->first_ns + i * 3000000ull;
	v->duration_ns = v->last_ns - v->first_ns;
	v->tcp_flags = 0x1b;
	v->min_ttl = 64;
}

static void fill_records(void)
{
	static const char *const names[] = { "TLS.Google", "DNS", "HTTP", "QUIC.YouTube", "SSH" };
	static const char *const categories[] = { "Web", "Network", "Web", "Media",
						  "RemoteAccess" };

	for (int i = 0; i < KINDS; i++) {
		struct flow_record *r = &records[i];

		for (int side = 0; side < SIDES; side++)
			fill_side(&r->side[side], i);
		r->flow_id = i;
		r->end_reason = 1;
		memset(r->src_addr + 10, 0xff, 2);
		memset(r->dst_addr + 10, 0xff, 2);
		memcpy(r->src_addr + 12, &i, 4);
		r->src_port = 1024 + i;
		r->dst_port = 443;
		r->ip_version = 4;
		r->protocol = 6;
		r->app_protocol = 5 + i % 5;
		r->application_name = names[i % 5];
		r->category_name = categories[i % 5];
	}
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void report(const char *name, long count, double start)
{
	double seconds = now_s() - start;

	printf("%-28s %6.2f M records/s", name, count / seconds / 1e6);
	if (bytes_out)
		printf(", %.1f bytes a record", (double)bytes_out / count);
	putchar('\n');
}

static int emit(void *context, const void *bytes, size_t length, uint32_t flows)
{
	(void)context;
	(void)flows;
	bytes_out += length;
	return write(sink, bytes, length) == (ssize_t)length ? 0 : -1;
}

static void measure(const char *name, enum ipfix_protocol protocol, bool datagrams, long count)
{
	struct config config = { .dissect = true,
				 .fields = (char *)FIELDS,
				 .ipfix_pen = PEN,
				 .ipfix_domain = 1,
				 .ipfix_mtu = 1400 };
	const struct ipfix_options options = { .protocol = protocol,
					       .datagrams = datagrams,
					       .emit = emit };
	struct ipfix_encoder *e;
	struct columns columns;
	double start;

	bytes_out = 0;
	if (columns_select(&columns, &config, NULL, 0) ||
	    ipfix_encoder_new(&e, &config, &columns, &options))
		exit(1);
	start = now_s();
	for (long i = 0; i < count; i++)
		if (ipfix_encoder_encode(e, &records[i % KINDS], START_NS))
			exit(1);
	if (ipfix_encoder_finish(e, START_NS))
		exit(1);
	report(name, count, start);
	ipfix_encoder_free(e);
	columns_free(&columns);
}

/* --- libfixbuf: a struct of the elements' lengths, as its users fill one ---------------------- */

static fbInfoElement_t own[] = {
	FB_IE_INIT_FULL("weirAppProtocol", PEN, 21, 2, FB_IE_F_ENDIAN, 0, 0, FB_UINT_16, NULL),
	FB_IE_NULL,
};

static fbInfoElementSpec_t spec[] = {
	{ "flowId", 8, 0 },
	{ "packetDeltaCount", 8, 0 },
	{ "octetDeltaCount", 8, 0 },
	{ "reversePacketDeltaCount", 8, 0 },
	{ "reverseOctetDeltaCount", 8, 0 },
	{ "flowStartMilliseconds", 8, 0 },
	{ "flowEndMilliseconds", 8, 0 },
	{ "flowDurationMilliseconds", 4, 0 },
	{ "sourceIPv4Address", 4, 0 },
	{ "destinationIPv4Address", 4, 0 },
	{ "applicationId", 4, 0 },
	{ "sourceTransportPort", 2, 0 },
	{ "destinationTransportPort", 2, 0 },
	{ "vlanId", 2, 0 },
	{ "weirAppProtocol", 2, 0 },
	{ "sourceMacAddress", 6, 0 },
	{ "destinationMacAddress", 6, 0 },
	{ "flowEndReason", 1, 0 },
	{ "protocolIdentifier", 1, 0 },
	{ "ipVersion", 1, 0 },
	{ "tcpControlBits", 1, 0 },
	{ "reverseTcpControlBits", 1, 0 },
	{ "minimumTTL", 1, 0 },
	{ "reverseMinimumTTL", 1, 0 },
	{ "biflowDirection", 1, 0 },
	{ "applicationCategoryName", FB_IE_VARLEN, 0 },
	{ "applicationName", FB_IE_VARLEN, 0 },
	FB_IESPEC_NULL,
};

struct fixbuf_record {
	uint64_t id, packets, bytes, reverse_packets, reverse_bytes, start, end;
	uint32_t duration, source, destination, application;
	uint16_t source_port, destination_port, vlan, app_protocol;
	uint8_t source_mac[6], destination_mac[6];
	uint8_t reason, protocol, version, flags, reverse_flags, ttl, reverse_ttl, direction;
	fbVarfield_t category, name;
} __attribute__((packed));

static void fill_fixbuf(struct fixbuf_record *to, const struct flow_record *r)
{
	const struct record_side_values *src = &r->side[SIDE_SRC2DST],
					*dst = &r->side[SIDE_DST2SRC];

	to->id = r->flow_id;
	to->packets = src->packets;
	to->bytes = src->bytes;
	to->reverse_packets = dst->packets;
	to->reverse_bytes = dst->bytes;
	to->start = r->side[SIDE_BOTH].first_ns / 1000000;
	to->end = r->side[SIDE_BOTH].last_ns / 1000000;
	to->duration = r->side[SIDE_BOTH].duration_ns / 1000000;
	memcpy(&to->source, r->src_addr + 12, 4);
	memcpy(&to->destination, r->dst_addr + 12, 4);
	to->application = 6u | (uint32_t)r->app_protocol << 24;
	to->source_port = r->src_port;
	to->destination_port = r->dst_port;
	to->vlan = r->vlan_id;
	to->app_protocol = r->app_protocol;
	memcpy(to->source_mac, r->src_mac, 6);
	memcpy(to->destination_mac, r->dst_mac, 6);
	to->reason = r->end_reason;
	to->protocol = r->protocol;
	to->version = r->ip_version;
	to->flags = src->tcp_flags;
	to->reverse_flags = dst->tcp_flags;
	to->ttl = src->min_ttl;
	to->reverse_ttl = dst->min_ttl;
	to->direction = 1;
	to->category.buf = (uint8_t *)r->category_name;
	to->category.len = strlen(r->category_name);
	to->name.buf = (uint8_t *)r->application_name;
	to->name.len = strlen(r->application_name);
}

static void check(gboolean good, GError *err)
{
	if (good)
		return;
	fprintf(stderr, "ipfix_rate: libfixbuf: %s\n", err ? err->message : "?");
	exit(1);
}

static fBuf_t *open_fixbuf(void)
{
	fbInfoModel_t *model = fbInfoModelAlloc();
	fbSession_t *session;
	fbTemplate_t *template;
	GError *err = NULL;
	fBuf_t *buffer;

	fbInfoModelAddElementArray(model, own);
	session = fbSessionAlloc(model);
	template = fbTemplateAlloc(model);
	check(fbTemplateAppendSpecArray(template, spec, ~0u, &err), err);
	check(fbSessionAddTemplate(session, TRUE, 256, template, &err) != 0, err);
	check(fbSessionAddTemplate(session, FALSE, 256, template, &err) != 0, err);
	buffer = fBufAllocForExport(session, fbExporterAllocFile("/dev/null"));
	check(fbSessionExportTemplates(session, &err), err);
	check(fBufSetInternalTemplate(buffer, 256, &err), err);
	check(fBufSetExportTemplate(buffer, 256, &err), err);
	return buffer;
}

static void measure_fixbuf(long count)
{
	fBuf_t *buffer = open_fixbuf();
	struct fixbuf_record r = { 0 };
	GError *err = NULL;
	double start = now_s();

	bytes_out = 0;
	for (long i = 0; i < count; i++) {
		fill_fixbuf(&r, &records[i % KINDS]);
		check(fBufAppend(buffer, (uint8_t *)&r, sizeof(r), &err), err);
	}
	check(fBufEmit(buffer, &err), err);
	report("libfixbuf", count, start);
	fBufFree(buffer);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 10000000;

	sink = open("/dev/null", O_WRONLY);
	if (sink < 0 || count < 1)
		return 2;
	fill_records();
	measure("IPFIX, 1400 bytes a message", IPFIX, true, count);
	measure("IPFIX, 64 KiB a message", IPFIX, false, count);
	measure("NetFlow v9, two directions", NETFLOW9, true, count);
	measure_fixbuf(count / 4 + 1);
	return 0;
}
