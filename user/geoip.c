/* SPDX-License-Identifier: BSD-2-Clause */
#include "geoip.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text_set.h"

struct geoip {
	MMDB_s *files;
	size_t count;
	struct ledger *ledger;
	struct text_set texts;
};

static int out_of_memory(void)
{
	log_error("out of memory at the start; free some");
	return -ENOMEM;
}

/* err: an errno, for what cannot be read; an empty file cannot be mapped, which is EINVAL. */
static int refuse(const char *path, int status, int err)
{
	if ((status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR) && err != EINVAL) {
		log_error("--geoip %s: %s; give a readable file", path, strerror(err));
		return -EINVAL;
	}
	log_error("--geoip %s: %s; give a database in MaxMind's format (.mmdb)", path,
		  MMDB_strerror(status));
	return status == MMDB_OUT_OF_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

int geoip_open(struct geoip **out, const struct string_list *files, struct ledger *ledger)
{
	struct geoip *g = calloc(1, sizeof(*g));

	*out = NULL;
	if (g)
		g->files = calloc(files->count + 1, sizeof(*g->files));
	if (!g || !g->files) {
		geoip_free(g);
		return out_of_memory();
	}
	g->ledger = ledger;
	for (; g->count < files->count; g->count++) {
		const char *path = files->items[g->count];
		int status = MMDB_open(path, MMDB_MODE_MMAP, &g->files[g->count]);

		if (status != MMDB_SUCCESS) {
			int err = refuse(path, status, errno);

			geoip_free(g);
			return err;
		}
	}
	*out = g;
	return 0;
}

void geoip_free(struct geoip *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++)
		MMDB_close(&g->files[i]);
	free(g->files);
	text_set_free(&g->texts);
	free(g);
}

/* False: the entry has no such value. */
static bool value_at(struct geoip *g, MMDB_entry_s *entry, const char *const *path, uint32_t type,
		     MMDB_entry_data_s *value)
{
	int status = MMDB_aget_value(entry, value, path);

	if (status != MMDB_SUCCESS && status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR &&
	    status != MMDB_INVALID_LOOKUP_PATH_ERROR)
		ledger_add(g->ledger, COUNTER_GEOIP_ERRORS, 1);
	return status == MMDB_SUCCESS && value->has_data && value->type == type;
}

static void text_at(struct geoip *g, MMDB_entry_s *entry, const char *const *path, const char **to)
{
	MMDB_entry_data_s value;

	if (!**to && value_at(g, entry, path, MMDB_DATA_TYPE_UTF8_STRING, &value))
		*to = text_set_keep(&g->texts, value.utf8_string, value.data_size);
}

static void number_at(struct geoip *g, MMDB_entry_s *entry, const char *const *path, uint32_t *to)
{
	MMDB_entry_data_s value;

	if (!*to && value_at(g, entry, path, MMDB_DATA_TYPE_UINT32, &value))
		*to = value.uint32;
}

/* Names of GeoIP2 and GeoLite2, and those of flat databases. */
static void read_entry(struct geoip *g, MMDB_entry_s *entry, struct record_place *place)
{
	static const char *const country[] = { "country", "iso_code", NULL };
	static const char *const country_flat[] = { "country_code", NULL };
	static const char *const city[] = { "city", "names", "en", NULL };
	static const char *const city_flat[] = { "city", NULL };
	static const char *const asn[] = { "autonomous_system_number", NULL };
	static const char *const as_org[] = { "autonomous_system_organization", NULL };

	text_at(g, entry, country, &place->country);
	text_at(g, entry, country_flat, &place->country);
	text_at(g, entry, city, &place->city);
	text_at(g, entry, city_flat, &place->city);
	number_at(g, entry, asn, &place->asn);
	text_at(g, entry, as_org, &place->as_org);
}

static MMDB_lookup_result_s find(MMDB_s *file, const uint8_t addr[16], int *status)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	memcpy(&six.sin6_addr, addr, 16);
	if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
		return MMDB_lookup_sockaddr(file, (struct sockaddr *)&six, status);
	memcpy(&four.sin_addr, addr + 12, 4);
	return MMDB_lookup_sockaddr(file, (struct sockaddr *)&four, status);
}

void geoip_look_up(struct geoip *g, const uint8_t addr[16], struct record_place *place)
{
	*place = (struct record_place){ .country = "", .city = "", .as_org = "" };
	for (size_t i = 0; i < g->count; i++) {
		int status = MMDB_SUCCESS;
		MMDB_lookup_result_s result = find(&g->files[i], addr, &status);

		/* A database of IPv4 knows nothing of IPv6: no error. */
		if (status != MMDB_SUCCESS && status != MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR)
			ledger_add(g->ledger, COUNTER_GEOIP_ERRORS, 1);
		if (status == MMDB_SUCCESS && result.found_entry)
			read_entry(g, &result.entry, place);
	}
}
