/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of options back as text. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "parse_value.h"

#define NS_PER_S UINT64_C(1000000000)

/* Text that grows in a buffer of fixed size and knows how long it would be. */
struct bounded_text {
	char *out;
	size_t size, length;
};

static void append(struct bounded_text *t, const char *text)
{
	if (t->length < t->size)
		snprintf(t->out + t->length, t->size - t->length, "%s", text);
	t->length += strlen(text);
}

static void append_item(struct bounded_text *t, const char *text)
{
	if (t->length)
		append(t, ",");
	append(t, text);
}

static void append_duration(struct bounded_text *t, uint64_t ns)
{
	char text[48];
	int n = snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, ns / NS_PER_S,
			 ns % NS_PER_S);

	while (text[n - 1] == '0')
		text[--n] = '\0';
	if (text[n - 1] == '.')
		text[n - 1] = '\0';
	append(t, text);
}

static void append_rotation(struct bounded_text *t, const struct rotation *r)
{
	char text[48] = "";

	if (r->bytes)
		snprintf(text, sizeof(text), "%" PRIu64 "B", r->bytes);
	if (!r->interval_ns) {
		append(t, text);
		return;
	}
	append_duration(t, r->interval_ns);
	append(t, "s");
}

static void append_values(struct bounded_text *t, const struct option_info *o, uint32_t value)
{
	for (const struct named_value *v = o->values; v->name; v++)
		if (o->type == OPTION_SET ? value >> v->value & 1 : value == v->value)
			append_item(t, v->name);
}

int option_format(const struct config *config, const struct option_info *o, char *out, size_t size)
{
	const void *at = (const char *)config + o->offset;
	struct bounded_text t = { out, size, 0 };
	char number[24];

	append(&t, "");
	switch (o->type) {
	case OPTION_FLAG: append(&t, *(const bool *)at ? "true" : "false"); break;
	case OPTION_NO_FLAG: append(&t, *(const bool *)at ? "false" : "true"); break;
	case OPTION_COUNT:
		snprintf(number, sizeof(number), "%" PRIu64, *(const uint64_t *)at);
		append(&t, number);
		break;
	case OPTION_DURATION: append_duration(&t, *(const uint64_t *)at); break;
	case OPTION_TEXT:
	case OPTION_NAMES:
	case OPTION_CONFIG: append(&t, *(char *const *)at ? *(char *const *)at : ""); break;
	case OPTION_LIST:
		for (size_t i = 0; i < ((const struct string_list *)at)->count; i++)
			append_item(&t, ((const struct string_list *)at)->items[i]);
		break;
	case OPTION_CHOICE:
	case OPTION_SET: append_values(&t, o, *(const uint32_t *)at); break;
	case OPTION_SIZE:
		snprintf(number, sizeof(number), "%" PRIu64 "B", *(const uint64_t *)at);
		append(&t, number);
		break;
	case OPTION_ROTATION: append_rotation(&t, at); break;
	case OPTION_ACTION: break;
	}
	return (int)t.length;
}
