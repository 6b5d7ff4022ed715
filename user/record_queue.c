/* SPDX-License-Identifier: BSD-2-Clause */
#include "record_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The source pauses here; what one step brings beyond it (a sweep) still finds room. */
#define QUEUE_FULL 256u

/* A record and, in memory of its own, what it points to. */
struct queue_slot {
	struct flow_record record;
	char *memory;
	size_t room;
};

struct record_queue {
	struct plugins *plugins;
	struct queue_slot **slots; /* a ring of a power of two of them, made when first used */
	uint32_t room;
	uint32_t head, tail; /* taken and put so far; they wrap */
	bool lent;           /* the record before head is with the reader; then nothing is put */
};

static struct queue_slot **slot_at(const struct record_queue *q, uint32_t position)
{
	return &q->slots[position & (q->room - 1)];
}

struct record_queue *record_queue_new(struct plugins *plugins)
{
	struct record_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->plugins = plugins;
	q->room = QUEUE_FULL * 2;
	q->slots = calloc(q->room, sizeof(*q->slots));
	if (q->slots)
		return q;
	free(q);
	return NULL;
}

/* The reader is done with the record that it was given. */
static void take_back(struct record_queue *q)
{
	void *state = q->lent ? (*slot_at(q, q->head - 1))->record.state : NULL;

	if (state)
		plugins_release(q->plugins, state);
	q->lent = false;
}

void record_queue_free(struct record_queue *q)
{
	if (!q)
		return;
	while (record_queue_next(q))
		;
	for (uint32_t i = 0; i < q->room; i++) {
		if (q->slots[i])
			free(q->slots[i]->memory);
		free(q->slots[i]);
	}
	free(q->slots);
	free(q);
}

static bool grow(struct record_queue *q)
{
	struct queue_slot **slots = calloc(q->room * 2, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = q->head; i != q->head + q->room; i++)
		slots[i & (q->room * 2 - 1)] = *slot_at(q, i);
	free(q->slots);
	q->slots = slots;
	q->room *= 2;
	return true;
}

static struct queue_slot *free_slot(struct record_queue *q)
{
	struct queue_slot **slot;

	if (q->tail - q->head == q->room && !grow(q))
		return NULL;
	slot = slot_at(q, q->tail);
	if (!*slot)
		*slot = calloc(1, sizeof(**slot));
	return *slot;
}

static size_t aligned(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static bool make_room(struct queue_slot *slot, size_t size)
{
	char *grown;

	if (size <= slot->room)
		return true;
	grown = realloc(slot->memory, size);
	if (!grown)
		return false;
	slot->memory = grown;
	slot->room = size;
	return true;
}

static char *put(char **at, const void *from, size_t size)
{
	char *to = *at;

	memcpy(to, from, size);
	*at += aligned(size);
	return to;
}

/* r's own risk_buffer is copied only when its names stand in it. */
static void copy_record(struct flow_record *to, const struct flow_record *r)
{
	memcpy(to, r, offsetof(struct flow_record, risk_buffer));
	strcpy(to->netns, r->netns);
	if (r->risk_names != r->risk_buffer)
		return;
	strcpy(to->risk_buffer, r->risk_buffer);
	to->risk_names = to->risk_buffer;
}

/* Texts that belong to who fills the record, in the order of struct record_owner. */
#define OWNER_TEXTS 7

static const char **owner_texts(struct record_owner *o)
{
	_Static_assert(offsetof(struct record_owner, pod_labels) ==
			       (OWNER_TEXTS - 1) * sizeof(const char *),
		       "the texts come first");
	return &o->process;
}

static size_t owners_size(struct flow_record *r)
{
	size_t size = 0;

	for (int end = 0; end < 2; end++)
		for (int i = 0; i < OWNER_TEXTS && r->owner[end].process; i++)
			size += aligned(strlen(owner_texts(&r->owner[end])[i]) + 1);
	return size;
}

static void put_owners(char **at, struct flow_record *to)
{
	const char *first = to->owner[0].process;

	for (int end = 0; end < 2; end++) {
		const char **texts = owner_texts(&to->owner[end]);

		for (int i = 0; i < OWNER_TEXTS && texts[0]; i++)
			texts[i] = put(at, texts[i], strlen(texts[i]) + 1);
	}
	to->system_process = to->owner[to->system_process != first].process;
}

static int fill_slot(struct record_queue *q, struct queue_slot *slot, struct flow_record *r)
{
	size_t text = packed_text_size(r->packed), splt = r->splt_count * sizeof(*r->splt);
	size_t state = r->state ? plugins_state_size(q->plugins) : 0;
	struct flow_record *to = &slot->record;
	char *at;

	if (!make_room(slot, aligned(state) + aligned(splt) + aligned(text) + owners_size(r)))
		return -ENOMEM;
	at = slot->memory;
	copy_record(to, r);
	if (state)
		to->state = put(&at, r->state, state);
	if (splt)
		to->splt = (struct splt_entry *)put(&at, r->splt, splt);
	if (text) {
		to->packed = (struct packed_text *)put(&at, r->packed, text);
		packed_text_open(to->packed, &to->text);
	}
	put_owners(&at, to);
	r->state = NULL;
	return 0;
}

static int queue_write(void *context, struct flow_record *r, uint64_t now_ns)
{
	struct record_queue *q = context;
	struct queue_slot *slot = free_slot(q);
	int err;

	(void)now_ns;
	err = slot ? fill_slot(q, slot, r) : -ENOMEM;
	if (!err)
		q->tail++;
	return err;
}

static int queue_flush(void *context)
{
	(void)context;
	return 0;
}

static bool queue_pending(const void *context)
{
	const struct record_queue *q = context;

	return q->head != q->tail;
}

static bool queue_full(const void *context)
{
	const struct record_queue *q = context;

	return q->tail - q->head >= QUEUE_FULL;
}

struct record_sink record_queue_sink(struct record_queue *q)
{
	return (struct record_sink){
		.context = q,
		.write = queue_write,
		.flush = queue_flush,
		.pending = queue_pending,
		.full = queue_full,
	};
}

struct flow_record *record_queue_next(struct record_queue *q)
{
	take_back(q);
	if (q->head == q->tail)
		return NULL;
	q->lent = true;
	return &(*slot_at(q, q->head++))->record;
}

bool record_queue_is_empty(const struct record_queue *q)
{
	return q->head == q->tail;
}
