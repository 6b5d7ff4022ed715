/* SPDX-License-Identifier: BSD-2-Clause */
#include "packets.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct packets *packets;
	const char *capture;
	uint32_t number;
};

static void make_room(struct packets *p)
{
	if (p->count < p->room)
		return;
	p->room = p->room ? 2 * p->room : 1024;
	p->list = realloc(p->list, p->room * sizeof(*p->list));
	if (!p->list)
		abort();
}

static void add(struct packets *p, struct packet_copy copy, const uint8_t *bytes)
{
	copy.bytes = malloc(copy.captured + 1);
	if (!copy.bytes)
		abort();
	memcpy(copy.bytes, bytes, copy.captured);
	make_room(p);
	p->list[p->count++] = copy;
}

void packets_add(struct packets *p, const char *capture, const uint8_t *bytes, uint32_t length)
{
	struct packet_copy copy = { .capture = capture, .captured = length, .wire_len = length };

	add(p, copy, bytes);
}

static bool keep(void *context, const struct capture_packet *in)
{
	struct reading *r = context;
	struct packet_copy copy = { .capture = r->capture,
				    .number = ++r->number,
				    .captured = in->captured,
				    .wire_len = in->wire_len };

	add(r->packets, copy, in->bytes);
	return true;
}

bool packets_read(struct packets *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct reading r = { .packets = p, .capture = slash ? slash + 1 : path };

	return capture_read(path, keep, &r);
}

void packets_free(struct packets *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].bytes);
	free(p->list);
}
