/* SPDX-License-Identifier: BSD-2-Clause */
#include "completions.h"

#include <errno.h>
#include <string.h>

#include "options.h"
#include "output.h"
#include "parse_value.h"

/* What stands for the value of an option. */
enum value_kind {
	VALUE_NONE,       /* a switch */
	VALUE_FREE,       /* a number or a word that nobody can guess */
	VALUE_FILE,       /* */
	VALUE_DIRECTORY,  /* */
	VALUE_INTERFACE,  /* */
	VALUE_OUTPUT,     /* FORMAT: and a file */
	VALUE_WORD,       /* one of the option's */
	VALUE_WORD_LIST,  /* several of them, by commas */
	VALUE_FIELD_LIST, /* columns, by commas */
};

static enum value_kind kind_of(const struct option_info *o)
{
	if (!option_takes_value(o))
		return VALUE_NONE;
	if (o->type == OPTION_CHOICE)
		return VALUE_WORD;
	if (o->type == OPTION_SET)
		return VALUE_WORD_LIST;
	if (!strcmp(o->name, "fields") || !strcmp(o->name, "anonymize"))
		return VALUE_FIELD_LIST;
	if (!strcmp(o->name, "interface"))
		return VALUE_INTERFACE;
	if (!strcmp(o->name, "output"))
		return VALUE_OUTPUT;
	if (!strncmp(o->metavar, "FILE", 4) || !strncmp(o->metavar, "PATH", 4))
		return VALUE_FILE;
	return strcmp(o->metavar, "DIR") ? VALUE_FREE : VALUE_DIRECTORY;
}

/* Each behind a blank. */
static void print_values(FILE *to, const struct option_info *o)
{
	for (const struct named_value *v = o->values; v->name; v++)
		fprintf(to, " %s", v->name);
	if (o->type == OPTION_SET)
		fputs(" all none", to);
}

static void print_formats(FILE *to)
{
	for (size_t i = 0; output_format_name(i); i++)
		fprintf(to, " %s:", output_format_name(i));
}

static void print_all(FILE *to, const char *const *words)
{
	for (; *words; words++)
		fprintf(to, " %s", *words);
}

/* In single quotes of a shell: quote stands for one, and special are preceded by a backslash. */
static void print_quoted(FILE *to, const char *text, const char *quote, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, to);
		else
			fprintf(to, "%s%c", strchr(special, *text) ? "\\" : "", *text);
	}
}

/* --- bash: works without the package bash-completion ------------------------------------------ */

static const char bash_head[] =
	"# bash completion for weir(8); made by: weir completions bash\n"
	"_weir_words() { COMPREPLY=($(compgen -W \"$*\" -- \"$cur\")); }\n"
	"_weir_list() {\n"
	"\tlocal before=\n"
	"\t[[ $cur == *,* ]] && before=${cur%,*},\n"
	"\tCOMPREPLY=($(compgen -P \"$before\" -W \"$*\" -- \"${cur##*,}\"))\n"
	"\tcompopt -o nospace\n"
	"}\n"
	"_weir_fields() { _weir_list $(\"${COMP_WORDS[0]}\" fields 2>/dev/null | cut -d' ' -f1); "
	"}\n"
	"_weir_files() { local IFS=$'\\n'; compopt -o filenames; COMPREPLY=($(compgen -f -- "
	"\"$cur\")); }\n"
	"_weir_directories() { local IFS=$'\\n'; compopt -o filenames; COMPREPLY=($(compgen -d -- "
	"\"$cur\")); }\n"
	"_weir_interfaces() { _weir_words $(cd /sys/class/net && echo *); }\n"
	"_weir_output() { compopt -o nospace; _weir_words \"$@\"; }\n"
	"_weir() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tCOMPREPLY=()\n"
	"\t# = and : are words of their own\n"
	"\t[[ $cur == : || $prev == : ]] && { cur=${cur#:}; _weir_files; return; }\n"
	"\t[[ $cur == = ]] && cur=\n"
	"\t[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tcase $prev in\n";

static void print_bash_action(FILE *to, const struct option_info *o)
{
	switch (kind_of(o)) {
	case VALUE_NONE:
	case VALUE_FREE: break;
	case VALUE_FILE: fputs(" _weir_files", to); break;
	case VALUE_DIRECTORY: fputs(" _weir_directories", to); break;
	case VALUE_INTERFACE: fputs(" _weir_interfaces", to); break;
	case VALUE_FIELD_LIST: fputs(" _weir_fields", to); break;
	case VALUE_OUTPUT:
		fputs(" _weir_output", to);
		print_formats(to);
		break;
	case VALUE_WORD:
		fputs(" _weir_words", to);
		print_values(to, o);
		break;
	case VALUE_WORD_LIST:
		fputs(" _weir_list", to);
		print_values(to, o);
		break;
	}
}

static void print_bash(FILE *to, const char *const *commands)
{
	fputs(bash_head, to);
	for (const struct option_info *o = option_table; o < option_table + option_count; o++) {
		if (kind_of(o) == VALUE_NONE)
			continue;
		fputc('\t', to);
		if (o->letter)
			fprintf(to, "-%c | ", o->letter);
		fprintf(to, "--%s)", o->name);
		print_bash_action(to, o);
		fputs(kind_of(o) == VALUE_FREE ? " return ;;\n" : "; return ;;\n", to);
	}
	fputs("\tesac\n\tif [[ $cur == -* ]]; then\n\t\t_weir_words", to);
	for (const struct option_info *o = option_table; o < option_table + option_count; o++) {
		if (o->letter)
			fprintf(to, " -%c", o->letter);
		fprintf(to, " --%s", o->name);
	}
	fputs("\n\telif ((COMP_CWORD == 1)); then\n\t\t_weir_words", to);
	print_all(to, commands);
	fputs("\n\tfi\n}\ncomplete -F _weir weir\n", to);
}

/* --- zsh -------------------------------------------------------------------------------------- */

static const char zsh_head[] = "#compdef weir\n"
			       "# zsh completion for weir(8); made by: weir completions zsh\n"
			       "_weir_fields() {\n"
			       "\t_values -s , column ${${(f)\"$(weir fields 2>/dev/null)\"}%% *}\n"
			       "}\n"
			       "_weir_output() {\n"
			       "\tif compset -P '*:'; then\n"
			       "\t\t_files\n"
			       "\telse\n"
			       "\t\tcompadd -S '' --";

static void print_zsh_action(FILE *to, const struct option_info *o)
{
	fputc(':', to);
	print_quoted(to, o->metavar, "'\\''", ":\\");
	fputc(':', to);
	switch (kind_of(o)) {
	case VALUE_NONE:
	case VALUE_FREE: fputc(' ', to); break;
	case VALUE_FILE: fputs("_files", to); break;
	case VALUE_DIRECTORY: fputs("_files -/", to); break;
	case VALUE_INTERFACE: fputs("_net_interfaces", to); break;
	case VALUE_FIELD_LIST: fputs("_weir_fields", to); break;
	case VALUE_OUTPUT: fputs("_weir_output", to); break;
	case VALUE_WORD:
		fputc('(', to);
		print_values(to, o);
		fputc(')', to);
		break;
	case VALUE_WORD_LIST:
		fprintf(to, "_values -s , %s", o->metavar);
		print_values(to, o);
		break;
	}
}

/* A row for the letter, one for the name. */
static void print_zsh_option(FILE *to, const struct option_info *o, const char *dashes,
			     const char *name)
{
	fprintf(to, " \\\n\t\t'%s%s%s[", o->type == OPTION_LIST ? "*" : "", dashes, name);
	print_quoted(to, o->help, "'\\''", "[]:\\");
	fputc(']', to);
	if (kind_of(o) != VALUE_NONE)
		print_zsh_action(to, o);
	fputc('\'', to);
}

static void print_zsh(FILE *to, const char *const *commands)
{
	fputs(zsh_head, to);
	print_formats(to);
	fputs("\n\tfi\n}\n_weir() {\n\t_arguments -s", to);
	for (const struct option_info *o = option_table; o < option_table + option_count; o++) {
		const char letter[] = { o->letter, '\0' };

		if (o->letter)
			print_zsh_option(to, o, "-", letter);
		print_zsh_option(to, o, "--", o->name);
	}
	fputs(" \\\n\t\t'1:command:(", to);
	print_all(to, commands);
	fputs(")' \\\n\t\t'*:filter: '\n}\n_weir \"$@\"\n", to);
}

/* --- fish ------------------------------------------------------------------------------------- */

static void print_fish_action(FILE *to, const struct option_info *o)
{
	switch (kind_of(o)) {
	case VALUE_NONE: break;
	case VALUE_FREE: fputs(" -x", to); break;
	case VALUE_FILE: fputs(" -r -F", to); break;
	case VALUE_DIRECTORY: fputs(" -x -a '(__fish_complete_directories)'", to); break;
	case VALUE_INTERFACE: fputs(" -x -a '(__fish_print_interfaces)'", to); break;
	case VALUE_FIELD_LIST:
		fputs(" -x -a '(__fish_append , (weir fields | string replace -r \" .*\" \"\"))'",
		      to);
		break;
	case VALUE_OUTPUT:
		fputs(" -x -a '", to);
		print_formats(to);
		fputc('\'', to);
		break;
	case VALUE_WORD:
		fputs(" -x -a '", to);
		print_values(to, o);
		fputc('\'', to);
		break;
	case VALUE_WORD_LIST:
		fputs(" -x -a '(__fish_append ,", to);
		print_values(to, o);
		fputs(")'", to);
		break;
	}
}

static void print_fish(FILE *to, const char *const *commands)
{
	fputs("# fish completion for weir(8); made by: weir completions fish\n"
	      "complete -c weir -f\n"
	      "complete -c weir -n __fish_is_first_token -a '",
	      to);
	print_all(to, commands);
	fputs("'\n", to);
	for (const struct option_info *o = option_table; o < option_table + option_count; o++) {
		fputs("complete -c weir", to);
		if (o->letter)
			fprintf(to, " -s %c", o->letter);
		fprintf(to, " -l %s", o->name);
		print_fish_action(to, o);
		fputs(" -d '", to);
		print_quoted(to, o->help, "\\'", "\\");
		fputs("'\n", to);
	}
}

int completions_print(FILE *to, const char *shell, const char *const *commands)
{
	static const struct {
		const char *name;
		void (*print)(FILE *to, const char *const *commands);
	} shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shell, shells[i].name))
			continue;
		shells[i].print(to, commands);
		return 0;
	}
	return -ENOENT;
}
