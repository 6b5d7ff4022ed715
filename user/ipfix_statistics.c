/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_statistics.h"

#include "wire.h"

#define TEMPLATE (IPFIX_FIRST_TEMPLATE + VARIANTS + 2)

/* clang-format off: tables */
#define EXPORTED                                              \
	{ 41, 8 },         /* exportedMessageTotalCount */    \
		{ 42, 8 }, /* exportedFlowRecordTotalCount */ \
	{                                                     \
		40, 8                                         \
	} /* exportedOctetTotalCount */

#define TOTALS                                            \
	{ 163, 8 },         /* observedFlowTotalCount */  \
		{ 164, 8 }, /* ignoredPacketTotalCount */ \
		{ 135, 8 }, /* droppedPacketTotalCount */ \
		{ 166, 8 }, /* notSentFlowTotalCount */   \
		{ 167, 8 }, /* notSentPacketTotalCount */ \
	{                                                 \
		168, 8                                    \
	} /* notSentOctetTotalCount */

static const struct ipfix_option_field of_domain[] = {
	{ 149, 4 }, /* observationDomainId, scope */
	EXPORTED,
	TOTALS,
};

static const struct ipfix_option_field of_point[] = {
	{ 149, 4 }, /* observationDomainId, scope */
	{ 138, 4 }, /* observationPointId, scope */
	EXPORTED,
	TOTALS,
};

static const struct ipfix_option_field of_v9[] = {
	{ 1, 4 }, /* scope: system */
	EXPORTED, /* TOTAL_PKTS_EXP, TOTAL_FLOWS_EXP, TOTAL_BYTES_EXP */
};
/* clang-format on */

/* By whether there is a point, and whether there are totals. */
static const struct ipfix_option options[2][2] = {
	{ { TEMPLATE, 1, 3, of_domain }, { TEMPLATE, 1, 9, of_domain } },
	{ { TEMPLATE, 2, 3, of_point }, { TEMPLATE, 2, 9, of_point } },
};

static const struct ipfix_option option_v9 = { TEMPLATE, 1, 3, of_v9 };

const struct ipfix_option *ipfix_statistics_option(enum ipfix_protocol protocol,
						   const struct ipfix_statistics *s)
{
	return protocol == NETFLOW9 ? &option_v9 : &options[s->point != 0][s->totals];
}

static uint8_t *put_exported(uint8_t *at, const struct ipfix_message *m,
			     const struct ipfix_totals *totals)
{
	const struct ipfix_exported *handed = &m->handed, *beside = &totals->beside,
				    *unsent = &totals->unsent;

	at = wire_u64(at, handed->messages + beside->messages - unsent->messages);
	at = wire_u64(at, handed->records + beside->records - unsent->records);
	return wire_u64(at, handed->octets + beside->octets - unsent->octets);
}

static uint8_t *put_totals(uint8_t *at, const struct ipfix_totals *totals)
{
	at = wire_u64(at, totals->flows);
	at = wire_u64(at, totals->ignored_packets);
	at = wire_u64(at, totals->dropped_packets);
	at = wire_u64(at, totals->unsent_flows);
	at = wire_u64(at, totals->unsent_packets);
	return wire_u64(at, totals->unsent_octets);
}

int ipfix_statistics_add(struct ipfix_message *m, const struct ipfix_statistics *s,
			 const struct ipfix_totals *totals)
{
	uint8_t *start = ipfix_message_place(m, TEMPLATE), *at = wire_u32(start, m->domain);
	struct ipfix_written written = { .records = 1 };

	if (m->protocol == IPFIX && s->point)
		at = wire_u32(at, s->point);
	at = put_exported(at, m, totals);
	if (m->protocol == IPFIX && s->totals)
		at = put_totals(at, totals);
	written.length = at - start;
	return ipfix_message_add(m, TEMPLATE, &written);
}
