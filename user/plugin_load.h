/* SPDX-License-Identifier: BSD-2-Clause */
/* One plugin: from "--plugin PATH[:key=value,...]" or a program's own table to an open context. */
#ifndef USER_PLUGIN_LOAD_H
#define USER_PLUGIN_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/plugin.h"

struct loaded_plugin {
	const struct weir_plugin *ops;
	void *library; /* of dlopen(), NULL for a program's own */
	void *context;
	uint32_t state_offset; /* in the flow's area */
	uint32_t packets;      /* first ones of a flow that it asks for */
	bool opened;
	bool disabled; /* a hook failed */
};

/* 0, or -EINVAL or -ENOMEM after a message; plugin_unload() either way. */
int plugin_load(struct loaded_plugin *p, const char *text);
int plugin_adopt(struct loaded_plugin *p, const struct weir_plugin *ops, void *data);
void plugin_unload(struct loaded_plugin *p);

#endif
