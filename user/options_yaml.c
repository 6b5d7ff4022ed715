/* SPDX-License-Identifier: BSD-2-Clause */
/* Options from a YAML mapping: each key a long option name, each value a scalar or a list. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "log.h"
#include "options.h"

struct yaml_source {
	struct config *config;
	const char *path;
	int level;
	yaml_document_t *document;
};

static size_t line_of(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static int refuse(const struct yaml_source *s, const yaml_node_t *at, const char *why)
{
	log_error("%s:%zu: %s; see weir --help-all", s->path, line_of(at), why);
	return -EINVAL;
}

static int set_value(const struct yaml_source *s, const struct option_info *o,
		     const yaml_node_t *value)
{
	char where[300];

	if (value->type != YAML_SCALAR_NODE)
		return refuse(s, value, "a list or mapping where a value is wanted");
	if (strlen(scalar(value)) != value->data.scalar.length)
		return refuse(s, value, "a zero byte in a value");
	snprintf(where, sizeof(where), "%s:%zu: %s", s->path, line_of(value), o->name);
	return option_set(s->config, o, scalar(value), where, s->level);
}

static int set_list(const struct yaml_source *s, const struct option_info *o,
		    const yaml_node_t *list)
{
	int err = 0;

	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && !err; i++)
		err = set_value(s, o, yaml_document_get_node(s->document, *i));
	return err;
}

static int set_pair(const struct yaml_source *s, const yaml_node_t *key, const yaml_node_t *value)
{
	const struct option_info *o;

	if (key->type != YAML_SCALAR_NODE)
		return refuse(s, key, "a key that is not a name");
	o = option_by_name(scalar(key));
	if (!o || o->type == OPTION_ACTION || !strcmp(o->name, "config")) {
		log_error("%s:%zu: unknown key \"%s\"; see weir --help-all", s->path, line_of(key),
			  scalar(key));
		return -EINVAL;
	}
	if (o->type == OPTION_LIST && value->type == YAML_SEQUENCE_NODE)
		return set_list(s, o, value);
	return set_value(s, o, value);
}

static int set_document(const struct yaml_source *s)
{
	yaml_node_t *root = yaml_document_get_root_node(s->document);
	int err = 0;

	if (!root) /* an empty file */
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return refuse(s, root, "not a list of \"name: value\" lines");
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
	     p < root->data.mapping.pairs.top && !err; p++)
		err = set_pair(s, yaml_document_get_node(s->document, p->key),
			       yaml_document_get_node(s->document, p->value));
	return err;
}

int options_read_yaml(struct config *config, const char *path, int level)
{
	FILE *file = fopen(path, "rb");
	yaml_document_t document;
	yaml_parser_t parser;
	struct yaml_source s = { config, path, level, &document };
	int err = 0;

	if (!file) {
		log_error("-c %s: %s; give a readable YAML file", path, strerror(errno));
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&parser)) {
		fclose(file);
		return -ENOMEM;
	}
	yaml_parser_set_input_file(&parser, file);
	if (yaml_parser_load(&parser, &document)) {
		err = set_document(&s);
		yaml_document_delete(&document);
	} else {
		log_error("%s:%zu: %s; the file must be YAML", path, parser.problem_mark.line + 1,
			  parser.problem ? parser.problem : "cannot be read");
		err = -EINVAL;
	}
	yaml_parser_delete(&parser);
	fclose(file);
	return err;
}
