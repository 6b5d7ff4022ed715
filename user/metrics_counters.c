/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics_counters.h"

#include <stdio.h>
#include <string.h>

#include "metrics_format.h"

#define NAME_SIZE 128

/*
 * Names that say what is counted, which rows and groups of the table do not always. A row or group
 * that is not here is weir_NAME_total. help NULL: the row's own.
 */
static const struct counter_name {
	const char *row; /* or group */
	const char *name;
	const char *label;
	const char *help;
} counter_names[] = {
	{ "seen", "packets_seen", NULL, NULL },
	{ "metered", "packets_metered", NULL, NULL },
	{ "filtered", "packets_filtered", NULL, NULL },
	{ "ignored", "packets_ignored", "reason", "packets that are not metered, by reason" },
	{ "lost", "packets_lost", "reason", "packets that were lost, by reason" },
	{ "missed_copies", "packets_missed_copies", NULL, NULL },
	{ "unexported", "packets_unexported", NULL, NULL },
	{ "overflow", "packets_overflow", NULL, NULL },
	{ "ended", "flows_ended", "reason", "flow records, by what ended the flow" },
	{ "export", "export_records", "result",
	  "records on their way to collectors, by what came of it" },
	{ "plugin", "plugin_events", "event", "what happened to plugins" },
	{ "attribution", "attribution_events", "event",
	  "ends of flows, by whether their process is known, and lost messages about sockets" },
	{ "geoip", "geoip_events", "event", "what happened to look-ups in databases of --geoip" },
	{ "watch", "watch_events", "event", "what happened to interfaces that -i asks for" },
};

static struct counter_name name_of(const struct counter_info *row)
{
	const char *key = *row->group ? row->group : row->name;

	for (size_t i = 0; i < sizeof(counter_names) / sizeof(counter_names[0]); i++)
		if (!strcmp(counter_names[i].row, key))
			return counter_names[i];
	return (struct counter_name){ key, key, "kind", NULL };
}

static bool begins_group(int i)
{
	const char *group = counter_table[i].group;

	return !*group || !i || strcmp(group, counter_table[i - 1].group);
}

void metrics_counters(struct text_buffer *b, const struct ledger *l)
{
	for (int i = 0; i < COUNTERS; i++) {
		const struct counter_info *row = &counter_table[i];
		const struct counter_name which = name_of(row);
		const struct metrics_label label = { which.label, *row->group ? row->name : NULL };
		char name[NAME_SIZE];

		snprintf(name, sizeof(name), "weir_%s_total", which.name);
		if (begins_group(i))
			metrics_header(b, name, "counter", which.help ? which.help : row->help);
		metrics_sample(b, name, "", label);
		text_u64(b, l->value[i]);
		text_char(b, '\n');
	}
}
