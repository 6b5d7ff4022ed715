/* SPDX-License-Identifier: BSD-2-Clause */
/* Which columns a run has: profiles, what the options switch on and off, and --fields. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "meter/event.h"
#include "names.h"
#include "record.h"

/* clang-format off: lists of names */
/* The attributes that NFStream's documentation names, in its order. */
static const char *const seed_names[] = {
	"flow_id",       "first_seen",      "last_seen",     "nfhash",           "version",
	"src_port",      "dst_port",        "protocol",      "vlan_id",          "src_ip",
	"dst_ip",        "ip_src",          "ip_dst",        "total_packets",    "total_bytes",
	"duration",      "src2dst_packets", "src2dst_bytes", "dst2src_packets",  "dst2src_bytes",
	"expiration_id", "master_protocol", "app_protocol",  "application_name", "category_name",
	"client_info",   "server_info",     "j3a_client",    "j3a_server",       NULL
};

/* NFStream 6.5's core columns, in its order; statistics, SPLT and application follow. */
static const char *const nfstream_names[] = { "id",
					      "expiration_id",
					      "src_ip",
					      "src_mac",
					      "src_oui",
					      "src_port",
					      "dst_ip",
					      "dst_mac",
					      "dst_oui",
					      "dst_port",
					      "protocol",
					      "ip_version",
					      "vlan_id",
					      "tunnel_id",
					      "bidirectional_first_seen_ms",
					      "bidirectional_last_seen_ms",
					      "bidirectional_duration_ms",
					      "bidirectional_packets",
					      "bidirectional_bytes",
					      "src2dst_first_seen_ms",
					      "src2dst_last_seen_ms",
					      "src2dst_duration_ms",
					      "src2dst_packets",
					      "src2dst_bytes",
					      "dst2src_first_seen_ms",
					      "dst2src_last_seen_ms",
					      "dst2src_duration_ms",
					      "dst2src_packets",
					      "dst2src_bytes",
					      NULL };

static const char *const nfstream_app_names[] = {
	"application_name",       "application_category_name",
	"application_is_guessed", "application_confidence",
	"requested_server_name",  "client_fingerprint",
	"server_fingerprint",     "user_agent",
	"content_type",           NULL
};

static const char *const splt_names[] = { "splt_direction", "splt_ps", "splt_piat_ms", NULL };

/* What NFStream has of src_pid, dst_pid and their names. */
static const char *const system_names[] = { "system_process_pid", "system_process_name", NULL };

/* Second names of a value: `all` leaves them out. */
static const char *const alias_names[] = { "id",
					   "ip_version",
					   "bidirectional_first_seen_ms",
					   "bidirectional_last_seen_ms",
					   "bidirectional_duration_ms",
					   "bidirectional_packets",
					   "bidirectional_bytes",
					   "application_category_name",
					   NULL };

/* Of a start, not of a flow: a capture gives the same records each time. */
static const char *const run_names[] = { "run_id", NULL };

/* Every record has a flow_id of its own: what is left of a flow after a cut has a new one. */
static const char *const identity_names[] = { "probe", "run_id", "flow_id", NULL };
/* clang-format on */

static bool listed(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static void add(struct columns *c, const struct field *f)
{
	c->items[c->count++] = f;
	c->need |= f->need;
}

/* A capture tells nothing about the processes of a host. */
static bool is_attributed(const struct field *f, const struct config *config)
{
	uint32_t bit = f->need & NEED_PROCESS  ? ATTRIBUTE_PROCESSES
		       : f->need & NEED_CGROUP ? ATTRIBUTE_CGROUPS
					       : ATTRIBUTE_PODS;

	return config->interfaces.count && config->attribute >> bit & 1;
}

/* Whether the options ask for what the column needs. */
static bool wanted(const struct field *f, const struct config *config)
{
	if (f->need & NEED_DISSECT && !config->dissect)
		return false;
	if (f->need & NEED_STATS && !config->stats)
		return false;
	if (f->need & NEED_SPLT && !config->splt)
		return false;
	if (f->need & NEED_GEOIP && !config->geoip.count)
		return false;
	if (f->need & NEED_OWNER && !is_attributed(f, config))
		return false;
	if (f->need & NEED_MAC_VENDORS && !config->mac_vendors)
		return false;
	if (f->need & NEED_WATCHED && !config->interfaces.count)
		return false;
	return strcmp(f->name, "tunnel_id") || config->tunnels;
}

static void add_names(struct columns *c, const char *const *names, const struct config *config)
{
	for (; *names; names++) {
		const struct field *f = record_field_by_name(*names);

		if (wanted(f, config))
			add(c, f);
	}
}

static void add_stats(struct columns *c, const struct config *config)
{
	for (size_t i = 0; i < record_field_count && config->stats; i++)
		if (record_fields[i].need & NEED_STATS)
			add(c, &record_fields[i]);
}

/* What options add to every profile, behind its own. */
static void add_known(struct columns *c, const struct config *config)
{
	for (size_t i = 0; i < record_field_count; i++)
		if (record_fields[i].need & (NEED_OWNER | NEED_GEOIP | NEED_MAC_VENDORS) &&
		    wanted(&record_fields[i], config) &&
		    (config->profile != PROFILE_SEED ||
		     !listed(system_names, record_fields[i].name)))
			add(c, &record_fields[i]);
}

static void add_profile(struct columns *c, const struct config *config)
{
	switch (config->profile) {
	case PROFILE_SEED:
		add_names(c, seed_names, config);
		add_stats(c, config);
		add_names(c, splt_names, config);
		add_known(c, config);
		return;
	case PROFILE_NFSTREAM:
		add_names(c, nfstream_names, config);
		add_stats(c, config);
		add_names(c, splt_names, config);
		add_names(c, nfstream_app_names, config);
		add_known(c, config);
		return;
	}
	for (size_t i = 0; i < record_field_count; i++)
		if (!listed(alias_names, record_fields[i].name) &&
		    !listed(run_names, record_fields[i].name) && wanted(&record_fields[i], config))
			add(c, &record_fields[i]);
}

static bool has_column(const struct columns *c, const struct field *f)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i] == f)
			return true;
	return false;
}

static int check_field(const struct columns *c, const struct field *f, const char *name,
		       const struct config *config)
{
	if (!f) {
		log_error("--fields: unknown column \"%s\"; `weir fields` lists them", name);
		return -EINVAL;
	}
	if (has_column(c, f)) {
		log_error("--fields: column \"%s\" is named twice; name it once", name);
		return -EINVAL;
	}
	if (f->need & NEED_SPLT && !config->splt) {
		log_error("--fields: column \"%s\" needs a length; give --splt N", name);
		return -EINVAL;
	}
	if (f->need & NEED_OWNER && !is_attributed(f, config)) {
		log_error(
			"--fields: column \"%s\" needs an interface and --attribute %s; give both",
			name,
			f->need & NEED_PROCESS  ? "process"
			: f->need & NEED_CGROUP ? "cgroup"
						: "pod");
		return -EINVAL;
	}
	if (f->need & NEED_GEOIP && !config->geoip.count) {
		log_error("--fields: column \"%s\" needs a database; give --geoip FILE", name);
		return -EINVAL;
	}
	if (f->need & NEED_DISSECT && !config->dissect) {
		log_error("--fields: column \"%s\" needs dissection; leave out --no-dissect", name);
		return -EINVAL;
	}
	return 0;
}

static const struct field *find_field(const char *name, const struct field *added, size_t count)
{
	const struct field *f = record_field_by_name(name);

	for (size_t i = 0; i < count && !f; i++)
		if (!strcmp(added[i].name, name))
			f = &added[i];
	return f;
}

static int add_fields(struct columns *c, const struct config *config, const struct field *added,
		      size_t added_count)
{
	char *list = strdup(config->fields), *at = list, *name;
	int err = list ? 0 : -ENOMEM;

	while (!err && (name = strsep(&at, ","))) {
		const struct field *f = find_field(name, added, added_count);

		err = check_field(c, f, name, config);
		if (!err)
			add(c, f);
	}
	free(list);
	return err;
}

int columns_select(struct columns *out, const struct config *config, const struct field *added,
		   size_t added_count)
{
	size_t most = record_field_count + added_count;
	int err = 0;

	*out = (struct columns){ .items = calloc(most, sizeof(*out->items)) };
	if (!out->items) {
		err = -ENOMEM;
	} else if (config->fields) {
		err = add_fields(out, config, added, added_count);
	} else {
		add_profile(out, config);
	}
	for (size_t i = 0; i < added_count && !err; i++)
		if (!has_column(out, &added[i]))
			add(out, &added[i]);
	if (err == -ENOMEM)
		log_error("out of memory at the start; free some");
	if (err)
		columns_free(out);
	return err;
}

/* columns_select() made room for every column. */
void columns_identify(struct columns *columns)
{
	for (const char *const *name = identity_names; *name; name++) {
		const struct field *f = record_field_by_name(*name);

		if (!has_column(columns, f))
			add(columns, f);
	}
}

void columns_free(struct columns *columns)
{
	free(columns->items);
	names_free(columns->names);
	*columns = (struct columns){ 0 };
}

int columns_id(const struct columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->count; i++)
		if (!strcmp(columns->items[i]->name, name))
			return (int)i;
	return -ENOENT;
}

static const char *type_name(enum field_type type)
{
	switch (type) {
	case FIELD_U8: return "uint8";
	case FIELD_U16: return "uint16";
	case FIELD_U32: return "uint32";
	case FIELD_I32: return "int32";
	case FIELD_I64: return "int64";
	case FIELD_F64: return "double";
	case FIELD_U64:
	case FIELD_NS_AS_MS:
	case FIELD_US_KNOWN: return "uint64";
	case FIELD_ADDR_NUMBER: return "uint128";
	case FIELD_ADDR: return "address";
	case FIELD_MAC:
	case FIELD_OUI: return "mac";
	case FIELD_TEXT:
	case FIELD_CHARS: return "string";
	default: return "list";
	}
}

/* "0/8", "pen/12": the enterprise number, or that of --ipfix-pen, and the element's. */
static void print_element(FILE *to, uint32_t ipfix)
{
	char enterprise[12] = "pen", element[24];

	if (!IPFIX_IS_OWN(ipfix))
		snprintf(enterprise, sizeof(enterprise), "%u", IPFIX_ENTERPRISE(ipfix));
	snprintf(element, sizeof(element), "%s/%u", enterprise, IPFIX_ID(ipfix));
	fprintf(to, "%-11s ", element);
}

void columns_print_all(FILE *to)
{
	fprintf(to, "%-40s %-8s %-10s %-11s %s\n", "NAME", "TYPE", "UNIT", "IPFIX", "MEANING");
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *f = &record_fields[i];

		fprintf(to, "%-40s %-8s %-10s ", f->name, type_name(f->type),
			*f->unit ? f->unit : "-");
		print_element(to, f->ipfix);
		fprintf(to, "%s\n", f->help);
	}
	fprintf(to,
		"\nWhat packets say is read from --snaplen bytes of each, at most %u with --hook "
		"tc "
		"or xdp.\n",
		EVENT_MAX_BYTES);
}
