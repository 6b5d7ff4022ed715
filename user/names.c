/* SPDX-License-Identifier: BSD-2-Clause */
/* Which column is which field, and the plan that is made of it for the columns of a run. */
#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

struct name_path {
	const char *path; /* NULL: none */
	enum name_as as;
};

/* clang-format off: a table */
/*
 * Beside other paths, or alone: under the rest by the column's own name; as text if it may be too
 * much for 63 bits, of which both schemas' longs have no more.
 */
#define REST                \
	{                   \
		"", AS_REST \
	}
#define REST_STRING                \
	{                          \
		"", AS_REST_STRING \
	}
#define NONE                  \
	{                     \
		NULL, AS_REST \
	}
#define VALUE(path)            \
	{                      \
		path, AS_VALUE \
	}

/*
 * ECS 8.11: https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html
 * OCSF 1.4.0: https://schema.ocsf.io/1.4.0/classes/network_activity
 * A row counts for all columns of the same value: first_seen is also first_seen_ns.
 */
static const struct name_row {
	const char *column;
	struct name_path ecs, ocsf;
} rows[] = {
	{ "flow_id", VALUE("event.sequence"), { "connection_info.uid", AS_STRING } },
	{ "probe", VALUE("observer.name"), VALUE("metadata.log_provider") },
	{ "run_id", { "event.id", AS_RECORD_ID }, { "metadata.uid", AS_RECORD_ID } },
	{ "run_id", REST, REST },
	{ "flow_end_reason", { "event.reason", AS_END }, { "status_detail", AS_END } },
	{ "flow_end_reason", REST, REST },
	{ "src_ip", { "source.ip", AS_ADDRESS }, { "src_endpoint.ip", AS_ADDRESS } },
	{ "dst_ip", { "destination.ip", AS_ADDRESS }, { "dst_endpoint.ip", AS_ADDRESS } },
	{ "src_port", VALUE("source.port"), VALUE("src_endpoint.port") },
	{ "dst_port", VALUE("destination.port"), VALUE("dst_endpoint.port") },
	{ "src_mac", { "source.mac", AS_MAC }, VALUE("src_endpoint.mac") },
	{ "dst_mac", { "destination.mac", AS_MAC }, VALUE("dst_endpoint.mac") },
	{ "protocol",
	  { "network.transport", AS_TRANSPORT },
	  { "connection_info.protocol_name", AS_TRANSPORT } },
	{ "protocol", { "network.iana_number", AS_STRING }, VALUE("connection_info.protocol_num") },
	{ "version", { "network.type", AS_IP_TYPE }, VALUE("connection_info.protocol_ver_id") },
	{ "vlan_id", { "network.vlan.id", AS_TAG }, REST },
	{ "nfhash", REST_STRING, REST_STRING },
	{ "community_id", VALUE("network.community_id"), VALUE("connection_info.community_uid") },

	{ "first_seen", { "event.start", AS_ISO_TIME }, { "start_time", AS_MS } },
	{ "last_seen", { "event.end", AS_ISO_TIME }, { "end_time", AS_MS } },
	{ "duration", { "event.duration", AS_NS }, { "duration", AS_MS } },
	{ "total_packets", VALUE("network.packets"), VALUE("traffic.packets") },
	{ "total_bytes", VALUE("network.bytes"), VALUE("traffic.bytes") },
	{ "src2dst_packets", VALUE("source.packets"), VALUE("traffic.packets_out") },
	{ "src2dst_bytes", VALUE("source.bytes"), VALUE("traffic.bytes_out") },
	{ "dst2src_packets", VALUE("destination.packets"), VALUE("traffic.packets_in") },
	{ "dst2src_bytes", VALUE("destination.bytes"), VALUE("traffic.bytes_in") },
	{ "src2dst_tcp_flags", NONE, { "connection_info.tcp_flags", AS_TCP_FLAGS } },
	{ "src2dst_tcp_flags", REST, REST },

	{ "application_name", { "network.protocol", AS_PROTOCOL }, VALUE("app_name") },
	{ "application_name", { "network.application", AS_APPLICATION }, NONE },
	{ "application_name", REST, NONE },
	{ "requested_server_name",
	  { "tls.client.server_name", AS_SNI },
	  { "tls.sni", AS_TLS_SNI } },
	{ "requested_server_name", REST, REST },
	{ "j3a_client", VALUE("tls.client.ja3"), { "tls.ja3_hash", AS_TLS_MD5 } },
	{ "j3a_client", NONE, REST },
	{ "j3a_server", VALUE("tls.server.ja3s"), { "tls.ja3s_hash", AS_TLS_MD5 } },
	{ "j3a_server", NONE, REST },
	{ "ja4", REST, { "ja4_fingerprint_list", AS_JA4 } },
	{ "tls_version", { "tls.version", AS_TLS_VERSION }, { "tls.version", AS_TLS_VERSION } },
	{ "tls_version", { "tls.version_protocol", AS_TLS_NAME }, REST },
	{ "user_agent", VALUE("user_agent.original"), REST },
	{ "content_type", VALUE("http.response.mime_type"), REST },
	{ "url", VALUE("url.original"), VALUE("url.url_string") },
	{ "risk", REST_STRING, REST_STRING },

	{ "ingress_interface", VALUE("observer.ingress.interface.name"), REST },
	{ "egress_interface", VALUE("observer.egress.interface.name"), REST },
	{ "ingress_ifindex", { "observer.ingress.interface.id", AS_TAG }, REST },
	{ "egress_ifindex", { "observer.egress.interface.id", AS_TAG }, REST },
	{ "src_country", VALUE("source.geo.country_iso_code"),
	  VALUE("src_endpoint.location.country") },
	{ "dst_country", VALUE("destination.geo.country_iso_code"),
	  VALUE("dst_endpoint.location.country") },
	{ "src_city", VALUE("source.geo.city_name"), VALUE("src_endpoint.location.city") },
	{ "dst_city", VALUE("destination.geo.city_name"), VALUE("dst_endpoint.location.city") },
	{ "src_asn",
	  { "source.as.number", AS_NONZERO },
	  { "src_endpoint.autonomous_system.number", AS_NONZERO } },
	{ "dst_asn",
	  { "destination.as.number", AS_NONZERO },
	  { "dst_endpoint.autonomous_system.number", AS_NONZERO } },
	{ "src_as_org", VALUE("source.as.organization.name"),
	  VALUE("src_endpoint.autonomous_system.name") },
	{ "dst_as_org", VALUE("destination.as.organization.name"),
	  VALUE("dst_endpoint.autonomous_system.name") },
};

/* What every document has, whatever the columns. */
static const struct {
	enum names names;
	const char *path;
	enum name_as as;
	const char *of; /* a column, or */
	const char *literal;
} fixed[] = {
	{ NAMES_ECS, "@timestamp", AS_ISO_TIME, "last_seen", NULL },
	{ NAMES_ECS, "ecs.version", AS_LITERAL, NULL, "\"8.11.0\"" },
	{ NAMES_ECS, "event.category", AS_LITERAL, NULL, "[\"network\"]" },
	{ NAMES_ECS, "event.dataset", AS_LITERAL, NULL, "\"weir.flow\"" },
	{ NAMES_ECS, "event.kind", AS_LITERAL, NULL, "\"event\"" },
	{ NAMES_ECS, "event.module", AS_LITERAL, NULL, "\"weir\"" },
	{ NAMES_ECS, "event.type", AS_EVENT_TYPE, "flow_end_reason", NULL },
	{ NAMES_ECS, "observer.product", AS_LITERAL, NULL, "\"weir\"" },
	{ NAMES_ECS, "observer.type", AS_LITERAL, NULL, "\"sensor\"" },
	{ NAMES_ECS, "observer.version", AS_LITERAL, NULL, "\"" WEIR_VERSION "\"" },
	{ NAMES_OCSF, "activity_id", AS_LITERAL, NULL, "6" },
	{ NAMES_OCSF, "activity_name", AS_LITERAL, NULL, "\"Traffic\"" },
	{ NAMES_OCSF, "category_name", AS_LITERAL, NULL, "\"Network Activity\"" },
	{ NAMES_OCSF, "category_uid", AS_LITERAL, NULL, "4" },
	{ NAMES_OCSF, "class_name", AS_LITERAL, NULL, "\"Network Activity\"" },
	{ NAMES_OCSF, "class_uid", AS_LITERAL, NULL, "4001" },
	{ NAMES_OCSF, "connection_info.direction_id", AS_LITERAL, NULL, "0" },
	{ NAMES_OCSF, "metadata.product.name", AS_LITERAL, NULL, "\"weir\"" },
	{ NAMES_OCSF, "metadata.product.vendor_name", AS_LITERAL, NULL, "\"weir\"" },
	{ NAMES_OCSF, "metadata.product.version", AS_LITERAL, NULL, "\"" WEIR_VERSION "\"" },
	{ NAMES_OCSF, "metadata.version", AS_LITERAL, NULL, "\"1.4.0\"" },
	{ NAMES_OCSF, "severity_id", AS_LITERAL, NULL, "1" },
	{ NAMES_OCSF, "time", AS_MS, "last_seen", NULL },
	{ NAMES_OCSF, "type_name", AS_LITERAL, NULL, "\"Network Activity: Traffic\"" },
	{ NAMES_OCSF, "type_uid", AS_LITERAL, NULL, "400106" },
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Paths a column has at most, with that of the rest. */
#define PATHS 4

/* A plan under way, and the columns of the rows. */
struct builder {
	enum names names;
	struct name_plan *plan;
	const struct field *named[COUNT(rows)];
};

static const struct name_path *path_in(const struct builder *b, size_t row)
{
	return b->names == NAMES_ECS ? &rows[row].ecs : &rows[row].ocsf;
}

/* The first bytes of a link address are not the address. */
static bool is_value_of(const struct field *f, const struct field *named)
{
	if (f->need & (NEED_STATE | NEED_SPLT) || f->type == FIELD_OUI)
		return false;
	return named->offset == f->offset;
}

static bool has_path(const struct name_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!strcmp(plan->items[i].path, path))
			return true;
	return false;
}

/* The first column of a path has it. */
static int add(const struct builder *b, const char *path, struct name_item item)
{
	if (has_path(b->plan, path))
		return 0;
	item.path = strdup(path);
	if (!item.path)
		return -ENOMEM;
	b->plan->items[b->plan->count++] = item;
	return 0;
}

static int add_rest(const struct builder *b, struct name_item item)
{
	const char *rest = b->names == NAMES_ECS ? "weir" : "unmapped";
	char *path;
	int err;

	if (asprintf(&path, "%s.%s", rest, item.field->name) < 0)
		return -ENOMEM;
	for (char *dot = path + strlen(rest) + 1; (dot = strchr(dot, '.'));)
		*dot = '_'; /* of a plugin's column */
	err = add(b, path, item);
	free(path);
	return err;
}

/* Its paths in the table; and the rest, if it has none or the row says so, or when it is hidden. */
static int add_column(const struct builder *b, const struct field *f, size_t column)
{
	struct name_item item = { .field = f, .column = column };
	enum name_as rest = AS_REST;
	bool mapped = false, also = false;
	int err = 0;

	for (size_t i = 0; i < COUNT(rows) && !err; i++) {
		const struct name_path *to = path_in(b, i);

		if (!to->path || !is_value_of(f, b->named[i]))
			continue;
		if (!*to->path) {
			also = true;
			rest = to->as;
			continue;
		}
		mapped = true;
		item.as = to->as;
		err = add(b, to->path, item);
	}
	item.as = mapped && !also ? AS_HIDDEN : rest;
	return err ? err : add_rest(b, item);
}

static int add_fixed(const struct builder *b)
{
	int err = 0;

	for (size_t i = 0; i < COUNT(fixed) && !err; i++) {
		const struct name_item item = {
			.as = fixed[i].as,
			.field = fixed[i].of ? record_field_by_name(fixed[i].of) : NULL,
			.column = NAME_FIXED,
			.literal = fixed[i].literal,
		};

		if (fixed[i].names == b->names)
			err = add(b, fixed[i].path, item);
	}
	return err;
}

/* Dots come before what names are made of, so that objects stay together. */
static int by_path(const void *a, const void *b)
{
	const struct name_item *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int build(struct builder *b, const struct columns *columns)
{
	int err;

	for (size_t i = 0; i < COUNT(rows); i++)
		b->named[i] = record_field_by_name(rows[i].column);
	err = add_fixed(b);
	for (size_t i = 0; i < columns->count && !err; i++)
		err = add_column(b, columns->items[i], i);
	qsort(b->plan->items, b->plan->count, sizeof(b->plan->items[0]), by_path);
	return err;
}

int names_plan(struct columns *columns, enum names names)
{
	size_t most = COUNT(fixed) + columns->count * PATHS;
	struct builder b = { .names = names };
	int err;

	names_free(columns->names);
	columns->names = NULL;
	if (names == NAMES_PLAIN)
		return 0;
	b.plan = calloc(1, sizeof(*b.plan) + most * sizeof(b.plan->items[0]));
	err = b.plan ? build(&b, columns) : -ENOMEM;
	if (err) {
		log_error("out of memory at the start; free some");
		names_free(b.plan);
		return err;
	}
	columns->names = b.plan;
	return 0;
}

void names_free(struct name_plan *plan)
{
	for (size_t i = 0; plan && i < plan->count; i++)
		free(plan->items[i].path);
	free(plan);
}

int names_print(FILE *to, enum names names, const struct field *added, size_t added_count)
{
	struct columns all = { .items = calloc(record_field_count + added_count,
					       sizeof(*all.items)) };
	int err = all.items ? 0 : -ENOMEM;

	for (size_t i = 0; i < record_field_count && !err; i++)
		all.items[all.count++] = &record_fields[i];
	for (size_t i = 0; i < added_count && !err; i++)
		all.items[all.count++] = &added[i];
	if (!err)
		err = names_plan(&all, names);
	for (size_t i = 0; !err && i < all.names->count; i++) {
		const struct name_item *item = &all.names->items[i];

		if (item->as != AS_HIDDEN)
			fprintf(to, "%-40s %s\n", item->path,
				item->field ? item->field->name : item->literal);
	}
	columns_free(&all);
	return err;
}
