/* SPDX-License-Identifier: BSD-2-Clause */
#include "plugin_load.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define MAX_OPTIONS  64
#define MAX_COLUMNS  1024
#define MAX_STATE    (1u << 20)
#define PLUGIN_ENTRY "weir_plugin"

#ifndef WEIR_PLUGIN_DIR
#define WEIR_PLUGIN_DIR "/usr/local/lib/weir/plugins"
#endif

/* Bytes that the value takes in the state, and its alignment; 0: no such storage. */
static uint32_t column_size(enum weir_storage storage)
{
	switch (storage) {
	case WEIR_STORE_U8:
	case WEIR_STORE_CHARS: return 1;
	case WEIR_STORE_U16: return 2;
	case WEIR_STORE_U32:
	case WEIR_STORE_I32: return 4;
	case WEIR_STORE_U64:
	case WEIR_STORE_I64: return 8;
	case WEIR_STORE_DOUBLE: return sizeof(double);
	case WEIR_STORE_STRING: return sizeof(char *);
	}
	return 0;
}

/* --- what a plugin says about itself ---------------------------------------------------------- */

static bool is_column_name(const char *name)
{
	if (!name || !isalpha((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_' && *name != '.')
			return false;
	return true;
}

static bool is_column(const struct weir_plugin *ops, const struct weir_plugin_column *c)
{
	uint32_t size = column_size(c->storage);

	return is_column_name(c->name) && c->unit && c->help && size && c->offset % size == 0 &&
	       c->offset <= ops->flow_size && ops->flow_size - c->offset >= size;
}

static int refuse(const char *what, const char *why, const char *mend)
{
	log_error("plugin %s: %s; %s", what, why, mend);
	return -EINVAL;
}

static int check_ops(const struct weir_plugin *ops, const char *what)
{
	char why[160];

	if (ops->abi != WEIR_PLUGIN_ABI) {
		snprintf(why, sizeof(why), "is built for plugin ABI %u, and this weir has %u",
			 ops->abi, WEIR_PLUGIN_ABI);
		return refuse(what, why, "build it anew with this weir's headers");
	}
	if (!ops->name || !*ops->name)
		return refuse(what, "has no name", "set its name");
	if (ops->flow_size > MAX_STATE)
		return refuse(what, "asks for more than 1 MiB a flow",
			      "keep large things behind a pointer");
	if (ops->column_count > MAX_COLUMNS || (ops->column_count && !ops->columns))
		return refuse(what, "has a broken table of columns",
			      "give columns and their count");
	for (uint32_t i = 0; i < ops->column_count; i++) {
		if (is_column(ops, &ops->columns[i]))
			continue;
		snprintf(why, sizeof(why), "column %u (\"%.40s\") is not well-formed", i,
			 ops->columns[i].name ? ops->columns[i].name : "");
		return refuse(what, why, "see struct weir_plugin_column in weir/plugin.h");
	}
	return 0;
}

static int open_context(struct loaded_plugin *p, const struct weir_plugin_option *options,
			size_t count, void *data)
{
	char why[256] = "";
	const struct weir_plugin_args args = {
		.sz = sizeof(args),
		.options = options,
		.count = count,
		.data = data,
		.why = why,
		.why_size = sizeof(why),
		.packets = &p->packets,
	};
	int err;

	p->packets = p->ops->packets;
	err = p->ops->open ? p->ops->open(&p->context, &args) : 0;
	if (!err && count && !p->ops->open) {
		snprintf(why, sizeof(why), "takes no options, %.40s is one", options[0].key);
		err = -EINVAL;
	}
	p->opened = !err;
	if (!err)
		return 0;
	why[sizeof(why) - 1] = '\0';
	log_error("plugin %s: %s; see its documentation", p->ops->name,
		  *why ? why : strerror(err < 0 ? -err : EINVAL));
	return err == -ENOMEM ? err : -EINVAL;
}

int plugin_adopt(struct loaded_plugin *p, const struct weir_plugin *ops, void *data)
{
	int err = check_ops(ops, ops->name ? ops->name : "of the program");

	*p = (struct loaded_plugin){ .ops = ops };
	return err ? err : open_context(p, NULL, 0, data);
}

/* --- from a file ------------------------------------------------------------------------------ */

/* A bare name is one of the plugins that came with weir. */
static int load_library(struct loaded_plugin *p, const char *name)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), strchr(name, '/') ? "%s" : WEIR_PLUGIN_DIR "/%s.so",
			 name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return refuse(name, "the path is too long", "move it");
	p->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!p->library)
		return refuse(name, dlerror(), "give the path of a weir plugin");
	p->ops = dlsym(p->library, PLUGIN_ENTRY);
	if (!p->ops)
		return refuse(path, "has no symbol " PLUGIN_ENTRY,
			      "give the path of a weir plugin");
	return check_ops(p->ops, path);
}

/* "key=value,key=value"; cuts text up. Its count, or -EINVAL. */
static int parse_options(char *text, const char *what, struct weir_plugin_option *options)
{
	int count = 0;
	char *word;

	while ((word = strsep(&text, ","))) {
		char *value = strchrnul(word, '=');

		if (count == MAX_OPTIONS)
			return refuse(what, "has more than 64 options", "give fewer");
		if (!*word || value == word)
			return refuse(what, "an option has no key", "give key=value,key=value");
		if (*value)
			*value++ = '\0';
		options[count++] = (struct weir_plugin_option){ word, value };
	}
	return count;
}

int plugin_load(struct loaded_plugin *p, const char *text)
{
	struct weir_plugin_option options[MAX_OPTIONS];
	char *copy = strdup(text), *rest = copy, *name;
	int count = 0, err;

	*p = (struct loaded_plugin){ 0 };
	if (!copy) {
		log_error("plugin %s: out of memory; free some", text);
		return -ENOMEM;
	}
	name = strsep(&rest, ":");
	if (rest)
		count = parse_options(rest, name, options);
	err = count < 0 ? count : load_library(p, name);
	if (!err)
		err = open_context(p, options, count, NULL);
	free(copy);
	return err;
}

void plugin_unload(struct loaded_plugin *p)
{
	if (p->opened && p->ops->cleanup)
		p->ops->cleanup(p->context);
	if (p->library)
		dlclose(p->library);
	*p = (struct loaded_plugin){ 0 };
}
