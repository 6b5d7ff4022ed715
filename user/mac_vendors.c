/* SPDX-License-Identifier: BSD-2-Clause */
#include "mac_vendors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text_set.h"

#define VENDORS_MOST (1u << 20) /* the list has 32,000; a file that goes on is another one */

struct vendor {
	uint32_t prefix;
	const char *name;
};

struct mac_vendors {
	struct vendor *items; /* in order of prefix */
	size_t count, room;
	struct text_set names;
};

/* "28-6F-B9   (hex)\t\tNokia": false for other lines. name is changed to its trimmed end. */
static bool parse_line(char *line, uint32_t *prefix, char **name)
{
	unsigned int byte[3];
	int end = 0;
	size_t length;

	if (sscanf(line, "%2x-%2x-%2x (hex) %n", &byte[0], &byte[1], &byte[2], &end) != 3 || !end)
		return false;
	*prefix = byte[0] << 16 | byte[1] << 8 | byte[2];
	*name = line + end;
	length = strlen(*name);
	while (length && strchr("\r\n\t ", (*name)[length - 1]))
		(*name)[--length] = '\0';
	return length > 0;
}

static bool add(struct mac_vendors *v, uint32_t prefix, const char *name)
{
	size_t room = v->room ? v->room * 2 : 1024;
	struct vendor *grown;

	if (v->count == v->room) {
		grown = reallocarray(v->items, room, sizeof(*grown));
		if (!grown)
			return false;
		v->items = grown;
		v->room = room;
	}
	v->items[v->count++] = (struct vendor){
		.prefix = prefix,
		.name = text_set_keep(&v->names, name, strlen(name)),
	};
	return true;
}

static int by_prefix(const void *a, const void *b)
{
	uint32_t one = ((const struct vendor *)a)->prefix;
	uint32_t other = ((const struct vendor *)b)->prefix;

	return (one > other) - (one < other);
}

static int read_list(struct mac_vendors *v, FILE *file)
{
	char line[512], *name;
	uint32_t prefix;

	while (fgets(line, sizeof(line), file)) {
		if (!parse_line(line, &prefix, &name))
			continue;
		if (v->count == VENDORS_MOST)
			return -EINVAL;
		if (!add(v, prefix, name))
			return -ENOMEM;
	}
	if (ferror(file))
		return -errno;
	if (v->count)
		qsort(v->items, v->count, sizeof(*v->items), by_prefix);
	return v->count ? 0 : -EINVAL;
}

static int refuse(const char *path, int err)
{
	if (err == -ENOMEM)
		log_error("out of memory at the start; free some");
	else if (err == -EINVAL)
		log_error("--mac-vendors %s: is no list of lines as \"00-00-0C (hex) NAME\"; give "
			  "IEEE's oui.txt",
			  path);
	else
		log_error("--mac-vendors %s: %s; give IEEE's oui.txt, which Debian's package "
			  "ieee-data has",
			  path, strerror(-err));
	return err == -ENOMEM ? err : -EINVAL;
}

int mac_vendors_open(struct mac_vendors **out, const char *path)
{
	struct mac_vendors *v = calloc(1, sizeof(*v));
	FILE *file = fopen(path, "re");
	int err = !v ? -ENOMEM : file ? 0 : -errno;

	*out = NULL;
	if (!err)
		err = read_list(v, file);
	if (file)
		fclose(file);
	if (err) {
		mac_vendors_free(v);
		return refuse(path, err);
	}
	*out = v;
	return 0;
}

void mac_vendors_free(struct mac_vendors *v)
{
	if (!v)
		return;
	free(v->items);
	text_set_free(&v->names);
	free(v);
}

const char *mac_vendors_find(const struct mac_vendors *v, const uint8_t mac[6])
{
	static const uint8_t none[6];
	const struct vendor key = { .prefix = mac[0] << 16 | mac[1] << 8 | mac[2] };
	const struct vendor *found;

	if (!memcmp(mac, none, sizeof(none)))
		return "";
	found = bsearch(&key, v->items, v->count, sizeof(*v->items), by_prefix);
	return found ? found->name : "";
}
