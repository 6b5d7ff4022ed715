/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_statistics.h"

#include "wire.h"

#define TEMPLATE (IPFIX_FIRST_TEMPLATE + VARIANTS + 2)

static const struct ipfix_option_field fields[] = {
	{ 149, 4 }, /* observationDomainId, scope */
	{ 41, 8 },  /* exportedMessageTotalCount */
	{ 42, 8 },  /* exportedFlowRecordTotalCount */
	{ 40, 8 },  /* exportedOctetTotalCount */
	{ 163, 8 }, /* observedFlowTotalCount */
	{ 164, 8 }, /* ignoredPacketTotalCount */
	{ 135, 8 }, /* droppedPacketTotalCount */
	{ 166, 8 }, /* notSentFlowTotalCount */
	{ 167, 8 }, /* notSentPacketTotalCount */
};

static const struct ipfix_option_field fields_v9[] = {
	{ 1, 4 },  /* scope: system */
	{ 41, 8 }, /* TOTAL_PKTS_EXP */
	{ 42, 8 }, /* TOTAL_FLOWS_EXP */
	{ 40, 8 }, /* TOTAL_BYTES_EXP */
};

static const struct ipfix_option exported = { TEMPLATE, 1, 3, fields };
static const struct ipfix_option exported_v9 = { TEMPLATE, 1, 3, fields_v9 };
static const struct ipfix_option everything = { TEMPLATE, 1, 8, fields };

const struct ipfix_option *ipfix_statistics_option(enum ipfix_protocol protocol, bool totals)
{
	if (protocol == NETFLOW9)
		return &exported_v9;
	return totals ? &everything : &exported;
}

int ipfix_statistics_add(struct ipfix_message *m, const struct ipfix_totals *totals)
{
	uint8_t *start = ipfix_message_place(m, TEMPLATE), *at = wire_u32(start, m->domain);
	struct ipfix_written written = { .records = 1 };

	at = wire_u64(wire_u64(wire_u64(at, m->messages), m->flow_records), m->octets);
	if (totals && m->protocol == IPFIX) {
		at = wire_u64(at, totals->flows);
		at = wire_u64(at, totals->ignored_packets);
		at = wire_u64(at, totals->dropped_packets);
		at = wire_u64(at, totals->unsent_flows);
		at = wire_u64(at, totals->unsent_packets);
	}
	written.length = at - start;
	return ipfix_message_add(m, TEMPLATE, &written);
}
