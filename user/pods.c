/* SPDX-License-Identifier: BSD-2-Clause */
#include "pods.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "container_id.h"
#include "pod_watch.h"
#include "utf8.h"

#define LOOK_NS   1000000000ull
#define PODS_MOST 65536u /* of a directory that is another one */

/* One name of a directory, cut into its parts. */
struct pod_log {
	char *text;
	const char *key; /* UID of a pod, ID of a container */
	const char *namespace, *name;
	const char *container; /* of a pod: its only one, else "" */
	char *only;            /* where that is kept, or NULL */
};

struct pod_list {
	struct pod_log *items; /* in order of key */
	size_t count, room;
};

struct pod_look {
	struct pod_list pods, containers;
};

struct pods {
	char *pod_logs, *container_logs;
	struct pod_look now, before; /* before: names that records may still show */
	uint64_t looked_ns;          /* 0 = never */
	struct pod_watch *watch;     /* NULL: no API server is asked */
};

/* --- lists ------------------------------------------------------------------------------------ */

static void list_free(struct pod_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->items[i].text);
		free(l->items[i].only);
	}
	free(l->items);
	*l = (struct pod_list){ 0 };
}

static void look_free(struct pod_look *look)
{
	list_free(&look->pods);
	list_free(&look->containers);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct pod_log *)a)->key, ((const struct pod_log *)b)->key);
}

static const struct pod_log *find(const struct pod_list *l, const char *key)
{
	const struct pod_log wanted = { .key = key };

	return l->count ? bsearch(&wanted, l->items, l->count, sizeof(wanted), by_key) : NULL;
}

/* Takes the text. */
static void list_add(struct pod_list *l, const struct pod_log *log)
{
	size_t room = l->room ? l->room * 2 : 64;
	struct pod_log *grown;

	if (l->count == l->room) {
		grown = l->count < PODS_MOST ? reallocarray(l->items, room, sizeof(*grown)) : NULL;
		if (!grown) {
			free(log->text);
			free(log->only);
			return;
		}
		l->items = grown;
		l->room = room;
	}
	l->items[l->count++] = *log;
}

/* --- names ------------------------------------------------------------------------------------ */

/* NAMESPACE_NAME_UID: neither a namespace nor a pod has an underscore. */
static bool cut_pod(char *text, struct pod_log *out)
{
	char *name = strchr(text, '_'), *uid = name ? strchr(name + 1, '_') : NULL;

	if (!uid || !uid[1])
		return false;
	*name++ = *uid++ = '\0';
	*out = (struct pod_log){ text, uid, text, name, "", NULL };
	return true;
}

/* NAME_NAMESPACE_CONTAINER-ID.log */
static bool cut_container(char *text, struct pod_log *out)
{
	char *namespace = strchr(text, '_'), *container, *id, *end;

	container = namespace ? strchr(namespace + 1, '_') : NULL;
	id = container ? strrchr(container, '-') : NULL;
	end = id ? strchr(id, '.') : NULL;
	if (!end || strcmp(end, ".log"))
		return false;
	*namespace ++ = *container++ = *id++ = *end = '\0';
	*out = (struct pod_log){ text, id, namespace, text, container, NULL };
	return true;
}

/* The name of the only directory in one; NULL: there are none, or several. */
static char *only_directory(const char *path, const char *name)
{
	struct dirent *entry;
	char *found = NULL, *whole;
	DIR *directory;
	int count = 0;

	if (asprintf(&whole, "%s/%s", path, name) < 0)
		return NULL;
	directory = opendir(whole);
	free(whole);
	while (directory && count < 2 && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		free(found);
		found = ++count == 1 ? utf8_clean_copy(entry->d_name) : NULL;
	}
	if (directory)
		closedir(directory);
	return found;
}

static void read_names(struct pod_list *l, const char *path, bool (*cut)(char *, struct pod_log *))
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		char *text = utf8_clean_copy(entry->d_name);
		struct pod_log log;

		if (!text || !cut(text, &log)) {
			free(text);
			continue;
		}
		if (cut == cut_pod)
			log.only = only_directory(path, entry->d_name);
		if (log.only)
			log.container = log.only;
		list_add(l, &log);
	}
	if (directory)
		closedir(directory);
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), by_key);
}

static void look(struct pods *p)
{
	look_free(&p->before);
	p->before = p->now;
	p->now = (struct pod_look){ 0 };
	read_names(&p->now.pods, p->pod_logs, cut_pod);
	read_names(&p->now.containers, p->container_logs, cut_container);
	p->looked_ns = monotonic_ns(); /* from its end on: a slow one leaves time for the rest */
}

/* --- the interface ---------------------------------------------------------------------------- */

struct pods *pods_new(const char *logs, const char *account)
{
	struct pods *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pod_logs = strdup(logs);
	if (asprintf(&p->container_logs, "%s/../containers", logs) < 0)
		p->container_logs = NULL;
	if (p->pod_logs && p->container_logs && !(account && pod_watch_new(&p->watch, account)))
		return p;
	pods_free(p);
	return NULL;
}

void pods_free(struct pods *p)
{
	if (!p)
		return;
	look_free(&p->now);
	look_free(&p->before);
	pod_watch_free(p->watch);
	free(p->pod_logs);
	free(p->container_logs);
	free(p);
}

void pods_poll(struct pods *p)
{
	if (p)
		pod_watch_poll(p->watch);
}

/* False: somebody is not known. */
static bool find_known(const struct pods *p, const char *uid, const char *container,
		       struct pod_names *out)
{
	const struct pod_log *pod = find(&p->now.pods, uid);
	const struct pod_log *inside = *container ? find(&p->now.containers, container) : NULL;

	if (pod) {
		out->namespace = pod->namespace;
		out->name = pod->name;
		out->container = pod->container;
	}
	if (inside)
		out->container = inside->container;
	/* It has labels, and may know what the logs do not. */
	if (pod_watch_find(p->watch, uid, container, out))
		return true;
	return pod && (inside || !*container);
}

void pods_find(struct pods *p, const char *uid, const char *container, struct pod_names *out)
{
	*out = (struct pod_names){ "", "", "", "" };
	if (find_known(p, uid, container, out))
		return;
	if (p->looked_ns && monotonic_ns() - p->looked_ns < LOOK_NS)
		return;
	look(p);
	find_known(p, uid, container, out);
}
