/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options from a YAML mapping: each key a long option name, each value a scalar or a list. A key
 * that is unknown or repeated is refused with its line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "log.h"
#include "options.h"

struct yaml_source {
	struct config *config;
	const char *path;
	enum config_level level;
	yaml_document_t *document;
	bool *given; /* by option */
};

static size_t line_of(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static int refuse(const struct yaml_source *s, const yaml_node_t *at, const char *what,
		  const char *why)
{
	log_error("%s:%zu: %s%s", s->path, line_of(at), what, why);
	return -EINVAL;
}

static int check_scalar(const struct yaml_source *s, const struct option_info *o,
			const yaml_node_t *value)
{
	if (value->type != YAML_SCALAR_NODE)
		return refuse(s, value, o->name, ": has more than one value; give one");
	if (strlen(scalar(value)) != value->data.scalar.length)
		return refuse(s, value, o->name, ": has a zero byte; take it out");
	return 0;
}

static int set_text(const struct yaml_source *s, const struct option_info *o, const yaml_node_t *at,
		    const char *text)
{
	char where[300];

	snprintf(where, sizeof(where), "%.200s:%zu: %s", s->path, line_of(at), o->name);
	return option_set(s->config, o, text, where, s->level);
}

static const yaml_node_t *item(const struct yaml_source *s, const yaml_node_t *list, size_t i)
{
	return yaml_document_get_node(s->document, list->data.sequence.items.start[i]);
}

static size_t item_count(const yaml_node_t *list)
{
	return list->data.sequence.items.top - list->data.sequence.items.start;
}

static int set_items(const struct yaml_source *s, const struct option_info *o,
		     const yaml_node_t *list)
{
	int err = 0;

	for (size_t i = 0; i < item_count(list) && !err; i++) {
		const yaml_node_t *value = item(s, list, i);

		err = check_scalar(s, o, value);
		if (!err)
			err = set_text(s, o, value, scalar(value));
	}
	return err;
}

/* [a, b] for an option that takes "a,b". */
static int set_joined(const struct yaml_source *s, const struct option_info *o,
		      const yaml_node_t *list)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int err = to ? 0 : -ENOMEM;

	for (size_t i = 0; i < item_count(list) && !err; i++) {
		const yaml_node_t *value = item(s, list, i);

		err = check_scalar(s, o, value);
		if (!err)
			fprintf(to, "%s%s", i ? "," : "", scalar(value));
	}
	if (to && fclose(to) && !err)
		err = -ENOMEM;
	if (err == -ENOMEM)
		refuse(s, list, o->name, ": out of memory; free some");
	if (!err)
		err = set_text(s, o, list, text);
	free(text);
	return err;
}

static int set_value(const struct yaml_source *s, const struct option_info *o,
		     const yaml_node_t *value)
{
	bool joined = o->type == OPTION_NAMES || o->type == OPTION_SET;
	int err;

	if (value->type == YAML_SEQUENCE_NODE && o->type == OPTION_LIST && item_count(value))
		return set_items(s, o, value);
	if (value->type == YAML_SEQUENCE_NODE && joined)
		return set_joined(s, o, value);
	if (value->type == YAML_SEQUENCE_NODE && !item_count(value))
		return set_text(s, o, value, "");
	err = check_scalar(s, o, value);
	return err ? err : set_text(s, o, value, scalar(value));
}

static int set_pair(const struct yaml_source *s, const yaml_node_t *key, const yaml_node_t *value)
{
	const struct option_info *o;

	if (key->type != YAML_SCALAR_NODE)
		return refuse(s, key, "a key is not a name", ": see weir --help-all");
	o = option_by_name(scalar(key));
	if (!o || o->type == OPTION_ACTION || o->type == OPTION_CONFIG) {
		log_error("%s:%zu: unknown key \"%s\": see weir --help-all", s->path, line_of(key),
			  scalar(key));
		return -EINVAL;
	}
	if (s->given[o - option_table])
		return refuse(s, key, o->name, ": is given twice; give it once");
	s->given[o - option_table] = true;
	return set_value(s, o, value);
}

static int set_document(const struct yaml_source *s)
{
	yaml_node_t *root = yaml_document_get_root_node(s->document);
	int err = 0;

	if (root->type == YAML_SCALAR_NODE && !*scalar(root)) /* "---" and no more */
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return refuse(s, root, "not options", "; write lines of \"name: value\"");
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
	     p < root->data.mapping.pairs.top && !err; p++)
		err = set_pair(s, yaml_document_get_node(s->document, p->key),
			       yaml_document_get_node(s->document, p->value));
	return err;
}

static int refuse_syntax(const struct yaml_source *s, const yaml_parser_t *parser, FILE *file)
{
	size_t line = parser->problem_mark.line;

	if (ferror(file))
		log_error("%s: %s; give a readable YAML file", s->path, strerror(errno));
	else if (parser->error == YAML_MEMORY_ERROR)
		log_error("%s: out of memory; free some", s->path);
	else
		log_error("%s:%zu: not YAML: %s; mend the line or the one before", s->path,
			  line + 1, parser->problem ? parser->problem : "cannot be read");
	return -EINVAL;
}

/* One document; none is as good as an empty one, a second is refused. */
static int read_documents(struct yaml_source *s, yaml_parser_t *parser, FILE *file)
{
	yaml_document_t document;
	bool end = false;
	int err = 0;

	s->document = &document;
	for (int number = 1; !end && !err; number++) {
		yaml_node_t *root;

		if (!yaml_parser_load(parser, &document))
			return refuse_syntax(s, parser, file);
		root = yaml_document_get_root_node(&document);
		end = !root;
		if (root && number > 1)
			err = refuse(s, root, "a second document", "; keep everything in one");
		else if (root)
			err = set_document(s);
		yaml_document_delete(&document);
	}
	return err;
}

int options_read_yaml(struct config *config, const char *path, enum config_level level)
{
	struct yaml_source s = { .config = config, .path = path, .level = level };
	FILE *file = fopen(path, "rbe");
	yaml_parser_t parser;
	int err = -ENOMEM;

	if (!file) {
		log_error("%s: %s; give a readable YAML file", path, strerror(errno));
		return -EINVAL;
	}
	s.given = calloc(option_count, sizeof(*s.given));
	if (s.given && yaml_parser_initialize(&parser)) {
		yaml_parser_set_input_file(&parser, file);
		err = read_documents(&s, &parser, file);
		yaml_parser_delete(&parser);
	} else {
		log_error("%s: out of memory; free some", path);
	}
	free(s.given);
	fclose(file);
	return err;
}
