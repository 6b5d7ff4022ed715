/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interfaces that are watched, by the number that flows remember them by. The name in a record
 * is the interface's own at that moment; a number outlives its interface until its flows are over.
 */
#ifndef USER_WATCH_LIST_H
#define USER_WATCH_LIST_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/* The flows of an interface that went end within their timeout, and a look at them later. */
#define WATCH_LIST_LINGER_NS(idle_ns) ((idle_ns) + 10000000000ull)

struct watch_list;

struct watched {
	char name[IFNAMSIZ];
	unsigned int index;    /* the kernel's; 0: the number is free */
	char *netns;           /* name of its namespace */
	bool gone;             /* no longer watched; its flows may still end */
	uint64_t gone_ns;      /* monotonic */
	uint16_t older, newer; /* of those that are gone; 0 = none */
};

/*
 * reserved: the numbers from 1 to this are given by watch_list_put() alone. linger_ns: how long
 * after its interface a number is not given again, WATCH_LIST_LINGER_NS() outside tests. NULL: no
 * memory.
 */
struct watch_list *watch_list_new(uint16_t reserved, uint64_t linger_ns);
void watch_list_free(struct watch_list *w);

/* The number of an interface that is watched from now on; 0: no memory, or none is free. */
uint16_t watch_list_add(struct watch_list *w, unsigned int index, const char *name,
			const char *netns);
/*
 * The same with a number of the caller's choice: an interface that comes back, or an earlier
 * agent's. False: no memory.
 */
bool watch_list_put(struct watch_list *w, uint16_t number, unsigned int index, const char *name,
		    const char *netns);
/* The number of an interface that is not watched any more, which it may have again; 0: none. */
uint16_t watch_list_find_gone(const struct watch_list *w, unsigned int index, const char *netns);
void watch_list_rename(struct watch_list *w, uint16_t number, const char *name);
void watch_list_remove(struct watch_list *w, uint16_t number);

/* NULL: there is none of that number, or no list. Valid until the next add or put. */
const struct watched *watch_list_at(const struct watch_list *w, uint16_t number);
/* No number above this one was given. */
uint16_t watch_list_last(const struct watch_list *w);

#endif
