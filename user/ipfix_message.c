/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_message.h"

#include <errno.h>
#include <stdlib.h>

#include "wire.h"

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

/* The uptime has 32 bits of ms, 49.7 days: it begins with its reach and never goes beyond this. */
#define UPTIME_LIMIT_S (2 * IPFIX_UPTIME_REACH_S)

int ipfix_message_open(struct ipfix_message *m, enum ipfix_protocol protocol, uint32_t domain,
		       size_t usual)
{
	*m = (struct ipfix_message){
		.protocol = protocol,
		.domain = domain,
		.usual = usual,
		.header = protocol == IPFIX ? 16 : 20,
		.align = protocol == IPFIX ? 1 : 4,
		/* a set's end, the next set's header, a record */
		.bytes = malloc(IPFIX_MESSAGE_MAX + 3 + IPFIX_SET_HEADER + IPFIX_RECORD_MAX),
	};
	m->length = m->header;
	return m->bytes ? 0 : -ENOMEM;
}

void ipfix_message_close(struct ipfix_message *m)
{
	free(m->bytes);
}

uint16_t ipfix_template_set(enum ipfix_protocol protocol)
{
	return protocol == IPFIX ? 2 : 0;
}

uint16_t ipfix_options_template_set(enum ipfix_protocol protocol)
{
	return protocol == IPFIX ? 3 : 1;
}

static bool uptime_reaches(const struct ipfix_message *m, uint64_t now_s)
{
	return m->now_ns && now_s >= m->boot_s && now_s - m->boot_s <= UPTIME_LIMIT_S;
}

/* Within a message the boot does not move: times in it count from there. */
int ipfix_message_clock(struct ipfix_message *m, uint64_t now_ns)
{
	uint64_t now_s = now_ns / NS_PER_S;
	int err = 0;

	if (!uptime_reaches(m, now_s)) {
		if (m->protocol == NETFLOW9)
			err = ipfix_message_flush(m);
		m->boot_s = now_s > IPFIX_UPTIME_REACH_S ? now_s - IPFIX_UPTIME_REACH_S : 0;
	}
	m->now_ns = now_ns;
	if (m->length == m->header || now_ns > m->latest_ns)
		m->latest_ns = now_ns;
	return err;
}

uint32_t ipfix_message_uptime(const struct ipfix_message *m, uint64_t time_ns)
{
	uint64_t boot_ms = m->boot_s * 1000, time_ms = time_ns / NS_PER_MS;

	if (time_ms <= boot_ms)
		return 0;
	return time_ms - boot_ms < UINT32_MAX ? time_ms - boot_ms : UINT32_MAX;
}

/* The end of the open set, if it ended now. */
static size_t set_end(const struct ipfix_message *m)
{
	return m->set ? (m->length + m->align - 1) / m->align * m->align : m->length;
}

static void close_set(struct ipfix_message *m)
{
	size_t end = set_end(m);

	if (!m->set)
		return;
	memset(m->bytes + m->length, 0, end - m->length);
	m->length = end;
	wire_u16(m->bytes + m->set + 2, end - m->set);
	m->set = 0;
}

static void open_set(struct ipfix_message *m, uint16_t id)
{
	close_set(m);
	m->set = m->length;
	m->set_id = id;
	wire_u16(m->bytes + m->set, id);
	m->length += IPFIX_SET_HEADER;
}

static bool set_is_open(const struct ipfix_message *m, uint16_t id)
{
	return m->set && m->set_id == id;
}

static size_t place_of(const struct ipfix_message *m, uint16_t set)
{
	return set_is_open(m, set) ? m->length : set_end(m) + IPFIX_SET_HEADER;
}

uint8_t *ipfix_message_place(const struct ipfix_message *m, uint16_t set)
{
	return m->bytes + place_of(m, set);
}

/* Hands over the message but for what was written at its end, which begins the next one. */
static int flush_before(struct ipfix_message *m, uint16_t set, size_t place, size_t length)
{
	size_t aside = set_end(m) + IPFIX_SET_HEADER; /* behind the padding */
	int err;

	memmove(m->bytes + aside, m->bytes + place, length);
	err = ipfix_message_flush(m);
	open_set(m, set);
	memmove(m->bytes + m->length, m->bytes + aside, length);
	return err;
}

int ipfix_message_add(struct ipfix_message *m, uint16_t set, const struct ipfix_written *written)
{
	size_t place = place_of(m, set);
	int err = 0;

	if (m->length > m->header && place + written->length > m->usual) {
		err = flush_before(m, set, place, written->length);
	} else if (!set_is_open(m, set)) {
		open_set(m, set);
	}
	m->length += written->length;
	m->holds.templates += written->templates;
	m->holds.records += written->records;
	m->holds.flows += written->flows;
	m->holds.packets += written->packets;
	m->holds.octets += written->octets;
	if (written->flows)
		m->holds_of_flows += written->records;
	return err;
}

/* RFC 7011: the sequence number counts data records before this message. */
static void put_ipfix_header(struct ipfix_message *m)
{
	uint8_t *at = m->bytes;

	at = wire_u16(at, 10);
	at = wire_u16(at, m->length);
	at = wire_u32(at, m->now_ns / NS_PER_S);
	at = wire_u32(at, m->sequence);
	wire_u32(at, m->domain);
	m->sequence += m->holds.records;
}

/*
 * RFC 3954: the sequence number counts messages, and templates are records too. The header has a
 * whole second, and the uptime is that of this second, so that collectors compute times to the ms:
 * the next one, as times after it would be taken for those before a wrap. So it is the latest of
 * the times that its records came with.
 */
static void put_netflow9_header(struct ipfix_message *m)
{
	uint64_t now_s = (m->latest_ns + NS_PER_S - 1) / NS_PER_S;
	uint8_t *at = m->bytes;

	at = wire_u16(at, 9);
	at = wire_u16(at, m->holds.templates + m->holds.records);
	at = wire_u32(at, ipfix_message_uptime(m, now_s * NS_PER_S));
	at = wire_u32(at, now_s);
	at = wire_u32(at, m->sequence);
	wire_u32(at, m->domain);
	m->sequence++;
}

int ipfix_message_flush(struct ipfix_message *m)
{
	uint32_t flows = m->holds.flows;
	size_t length;

	if (m->length == m->header)
		return 0;
	close_set(m);
	if (m->protocol == IPFIX)
		put_ipfix_header(m);
	else
		put_netflow9_header(m);
	length = m->length;
	m->load = (struct ipfix_load){
		.records = m->holds_of_flows,
		.packets = m->holds.packets,
		.octets = m->holds.octets,
	};
	m->handed.messages++;
	m->handed.octets += length;
	m->handed.records += m->holds_of_flows;
	m->holds_of_flows = 0;
	m->latest_ns = m->now_ns;
	m->length = m->header;
	m->holds = (struct ipfix_written){ 0 };
	return m->emit(m->context, m->bytes, length, flows);
}
