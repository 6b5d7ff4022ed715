/* SPDX-License-Identifier: BSD-2-Clause */
#include "counters.h"

#include <string.h>

#define TOP(name, help)              \
	{                            \
		"", name, name, help \
	}
#define IN(group, name, help)                     \
	{                                         \
		group, name, group "." name, help \
	}

const struct counter_info counter_table[COUNTERS] = {
	[COUNTER_SEEN] = TOP("seen", "packets that arrived"),
	[COUNTER_METERED] = TOP("metered", "packets counted into a flow"),
	[COUNTER_FILTERED] = TOP("filtered", "packets that the capture filter does not match"),
	[COUNTER_IGNORED_NOT_IP] = IN("ignored", "not_ip", "packets that do not carry IP"),
	[COUNTER_IGNORED_TRUNCATED] =
		IN("ignored", "truncated", "packets captured too short for their IP header"),
	[COUNTER_IGNORED_MALFORMED] =
		IN("ignored", "malformed", "packets whose IP header contradicts itself"),
	[COUNTER_IGNORED_TOO_DEEP] = IN("ignored", "too_deep",
					"packets with more VLAN tags or MPLS labels than looked "
					"through"),
	[COUNTER_IGNORED_WLAN] =
		IN("ignored", "wlan",
		   "802.11 frames that are not readable data: management, control, "
		   "encrypted"),
	[COUNTER_IGNORED_DUPLICATE] =
		IN("ignored", "duplicate",
		   "packets counted at another interface that they cross, see --dedup"),
	[COUNTER_LOST_NO_MEMORY] = IN("lost", "no_memory", "packets whose flow found no memory"),
	[COUNTER_LOST_CAPTURE_BUFFER] = IN("lost", "capture_buffer",
					   "packets that the kernel's capture buffer had no room "
					   "for"),
	[COUNTER_LOST_RING_FULL] = IN("lost", "ring_full",
				      "packets whose numbers found no room on the way to the "
				      "agent"),
	[COUNTER_LOST_AGENT_RESTART] = IN("lost", "agent_restart",
					  "packets that an agent held when it was killed, see "
					  "--pin"),
	[COUNTER_MISSED_COPIES] =
		TOP("missed_copies", "first packets of flows, counted but not looked into"),
	[COUNTER_UNEXPORTED] = TOP(
		"unexported", "metered packets whose flows --stop-after or a failed output left "
			      "without a record"),
	[COUNTER_OVERFLOW] =
		TOP("overflow", "metered packets that found no room in the kernel map and were "
				"counted by the agent"),
	[COUNTER_BYTES] = TOP("bytes", "bytes of the metered packets, by --accounting"),
	[COUNTER_FLOWS] = TOP("flows", "flow records"),
	[COUNTER_ENDED_IDLE] = IN("ended", "idle", "flows ended by the idle timeout"),
	[COUNTER_ENDED_ACTIVE] = IN("ended", "active", "flows cut by the active timeout"),
	[COUNTER_ENDED_DETECTED] = IN("ended", "end_of_flow", "flows ended by TCP FIN or RST"),
	[COUNTER_ENDED_FORCED] = IN("ended", "forced", "flows ended by the end of input or a stop"),
	[COUNTER_ENDED_NO_RESOURCES] =
		IN("ended", "lack_of_resources", "flows ended early by --max-flows"),
	[COUNTER_PLUGIN_ERRORS] = IN("plugin", "errors",
				     "failed hooks, each of a plugin disabled "
				     "by it"),
	[COUNTER_EXPORT_SENT] = IN("export", "sent", "records that left by a network"),
	[COUNTER_EXPORT_RETRIED] =
		IN("export", "retried", "records sent again, since a connection was lost"),
	[COUNTER_EXPORT_DROPPED] = IN("export", "dropped",
				      "records that found no room in an output's queue, or were "
				      "still in it at the end"),
	[COUNTER_EXPORT_FAILED] = IN("export", "failed", "records that the other side refused"),
	[COUNTER_GEOIP_ERRORS] =
		IN("geoip", "errors", "look-ups that a damaged database of --geoip did not answer"),
	[COUNTER_ATTRIBUTION_KNOWN] =
		IN("attribution", "known", "ends of flows whose process is told, see --attribute"),
	[COUNTER_ATTRIBUTION_UNKNOWN] = IN("attribution", "unknown",
					   "ends of flows on this host whose process is not known"),
	[COUNTER_ATTRIBUTION_LOST] = IN("attribution", "lost",
					"messages about sockets and processes that found no room"),
	[COUNTER_WATCH_FAILED] =
		IN("watch", "failed", "interfaces that -i asks for and that could not be watched"),
};

static uint64_t group_sum(const struct ledger *l, const char *group)
{
	uint64_t sum = 0;

	for (int i = 0; i < COUNTERS; i++)
		if (!strcmp(counter_table[i].group, group))
			sum += l->value[i];
	return sum;
}

uint64_t ledger_lost(const struct ledger *l)
{
	return group_sum(l, "lost");
}

uint64_t ledger_ignored(const struct ledger *l)
{
	return group_sum(l, "ignored");
}

enum counter counter_of_refusal(enum parse_status status)
{
	switch (status) {
	case PARSE_TRUNCATED: return COUNTER_IGNORED_TRUNCATED;
	case PARSE_MALFORMED: return COUNTER_IGNORED_MALFORMED;
	case PARSE_TOO_DEEP: return COUNTER_IGNORED_TOO_DEEP;
	default: return COUNTER_IGNORED_NOT_IP;
	}
}

void ledger_add_kernel(struct ledger *l, const struct kernel_ledger *kernel)
{
	static const enum counter places[KERNEL_COUNTERS] = {
		[KERNEL_SEEN] = COUNTER_SEEN,
		[KERNEL_METERED] = COUNTER_METERED,
		[KERNEL_FILTERED] = COUNTER_FILTERED,
		[KERNEL_NOT_IP] = COUNTER_IGNORED_NOT_IP,
		[KERNEL_TRUNCATED] = COUNTER_IGNORED_TRUNCATED,
		[KERNEL_MALFORMED] = COUNTER_IGNORED_MALFORMED,
		[KERNEL_TOO_DEEP] = COUNTER_IGNORED_TOO_DEEP,
		[KERNEL_DUPLICATE] = COUNTER_IGNORED_DUPLICATE,
		[KERNEL_RING_FULL] = COUNTER_LOST_RING_FULL,
		[KERNEL_MISSED_COPIES] = COUNTER_MISSED_COPIES,
		[KERNEL_BYTES] = COUNTER_BYTES,
		[KERNEL_OVERFLOW] = COUNTER_OVERFLOW,
	};

	for (int i = 0; i < KERNEL_COUNTERS; i++)
		ledger_add(l, places[i], kernel->value[i]);
}
