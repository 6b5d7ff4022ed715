/* SPDX-License-Identifier: BSD-2-Clause */
#include "parse_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meter/types.h"

#define NS_PER_S 1e9

struct unit {
	const char *name;
	double factor;
};

static const struct unit time_units[] = {
	{ "", 1 },     { "s", 1 },    { "ms", 1e-3 }, { "m", 60 },
	{ "min", 60 }, { "h", 3600 }, { "d", 86400 }, { NULL, 0 }
};
static const struct unit size_units[] = { { "B", 1 },
					  { "K", 1e3 },
					  { "KB", 1e3 },
					  { "M", 1e6 },
					  { "MB", 1e6 },
					  { "G", 1e9 },
					  { "GB", 1e9 },
					  { "Ki", 1024 },
					  { "KiB", 1024 },
					  { "Mi", 1048576 },
					  { "MiB", 1048576 },
					  { "Gi", 1073741824 },
					  { "GiB", 1073741824 },
					  { NULL, 0 } };
static const struct {
	const char *name;
	enum tunnel_type type;
} tunnel_names[] = {
	{ "gtp", TUNNEL_GTP },     { "capwap", TUNNEL_CAPWAP }, { "tzsp", TUNNEL_TZSP },
	{ "vxlan", TUNNEL_VXLAN }, { "geneve", TUNNEL_GENEVE }, { "gre", TUNNEL_GRE },
	{ "ipip", TUNNEL_IPIP },
};

int parse_count(const char *text, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *end || errno ? -EINVAL : 0;
}

/* A decimal number, then one of the units. */
static int parse_measure(const char *text, const struct unit *units, double *out)
{
	char *end;
	double value;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -EINVAL;
	value = strtod(text, &end);
	if (end == text || !isfinite(value) || strpbrk(text, "xXpPeE"))
		return -EINVAL;
	for (; units->name; units++) {
		if (!strcmp(units->name, end)) {
			*out = value * units->factor;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_duration(const char *text, uint64_t *out_ns)
{
	double seconds;

	if (parse_measure(text, time_units, &seconds) < 0)
		return -EINVAL;
	*out_ns = seconds >= 1.8e10 ? UINT64_MAX : (uint64_t)llround(seconds * NS_PER_S);
	return 0;
}

int parse_rotation(const char *text, struct rotation *out)
{
	double bytes;

	*out = (struct rotation){ 0 };
	if (parse_measure(text, size_units, &bytes) == 0 && bytes >= 1 && bytes < 1e18)
		out->bytes = bytes;
	else if (parse_duration(text, &out->interval_ns) < 0)
		return -EINVAL;
	return out->bytes || out->interval_ns ? 0 : -EINVAL;
}

static int tunnel_bit(const char *name, size_t length, uint32_t *out)
{
	for (size_t i = 0; i < sizeof(tunnel_names) / sizeof(tunnel_names[0]); i++) {
		if (strlen(tunnel_names[i].name) == length &&
		    !memcmp(tunnel_names[i].name, name, length)) {
			*out |= 1u << tunnel_names[i].type;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_tunnels(const char *text, uint32_t *out)
{
	*out = 0;
	if (!strcmp(text, "none"))
		return 0;
	if (!strcmp(text, "all")) {
		for (size_t i = 0; i < sizeof(tunnel_names) / sizeof(tunnel_names[0]); i++)
			*out |= 1u << tunnel_names[i].type;
		return 0;
	}
	for (;;) {
		size_t length = strcspn(text, ",");

		if (tunnel_bit(text, length, out) < 0)
			return -EINVAL;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}
