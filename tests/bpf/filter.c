/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One verdict: what the translated filters say inside the kernel (BPF_PROG_TEST_RUN) of each packet
 * is what libpcap says of it: at XDP, at TC, at TC with the VLAN tag in the skb's metadata, and of
 * packets without Ethernet header. The expressions of a file see every packet, generated ones a
 * sample, and one as long as the room allows goes through filter_install. Prints TAP.
 *
 * usage: filter OBJECT EXPRESSIONS CAPTURE...
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "filter.h"
#include "filter_ebpf.h"
#include "filter_install.h"
#include "grammar.h"
#include "packets.h"
#include "reference.h"

#define GENERATED   512
#define SAMPLE_STEP 13 /* generated expressions see one of so many packets */
#define SEED        0x7765697266696c74ull
#define ETHERNET    14
#define MAX_XDP     60000
#define MAX_TC      3712 /* test_run's limits */
#define SHORT_TC    54 /* at TC it refuses some that are shorter: cut in the IP header, or empty */

enum mode { MODE_XDP, MODE_TC, MODE_TAGGED, MODE_IP, MODES };

static const struct {
	const char *name, *batch, *single;
	uint32_t skipped; /* bytes at the packet's start that the filter does not see */
} modes[MODES] = {
	[MODE_XDP] = { "XDP", "batch_xdp", "single_xdp", 0 },
	[MODE_TC] = { "TC", "batch_tc", "single_tc", 0 },
	[MODE_TAGGED] = { "TC with the tag aside", "batch_tagged", "single_tagged", 0 },
	[MODE_IP] = { "TC without Ethernet", "batch_ip", "single_ip", ETHERNET },
};

struct expression {
	char *text;
	struct classic_program ethernet, ip;
	uint64_t verdicts, matches, mismatches;
};

struct batch {
	struct expression *expressions;
	uint32_t count;
	bool single; /* one, through the programs of filter_install */
	struct bpf_object *object;
	int programs[MODES];
	struct exchange *exchange; /* shared with the kernel */
};

struct check {
	void *image; /* the object file */
	size_t size;
	struct packets packets;
	struct expression *expressions;
	uint32_t listed, count;
	uint64_t verdicts[MODES], matches, mismatches;
	uint64_t left_out[MODES], failed_runs, undefined;
	int tests, failures;
};

static void report(struct check *c, bool good, const char *text)
{
	printf("%sok %d - filter: %s\n", good ? "" : "not ", ++c->tests, text);
	c->failures += !good;
}

/* --- loading --- */

static int place(void *image, size_t size, int mark, const struct classic_program *program,
		 enum filter_hook hook)
{
	static struct bpf_insn code[BATCH_SLED];
	int count = filter_translate(program->insns, program->count, hook, code, BATCH_SLED);

	return count < 0 ? count : filter_place(image, size, mark, code, count);
}

static int place_batch(struct batch *b, void *image, size_t size)
{
	int err = 0;

	for (uint32_t i = 0; i < b->count && !err; i++) {
		const struct expression *e = &b->expressions[i];

		err = place(image, size, BATCH_MARK_XDP + i, &e->ethernet, FILTER_XDP);
		if (!err)
			err = place(image, size, BATCH_MARK_TC + i, &e->ethernet, FILTER_TC);
		if (!err && e->ip.insns)
			err = place(image, size, BATCH_MARK_IP + i, &e->ip, FILTER_TC);
		if (err)
			printf("# %s: %s\n", e->text, strerror(-err));
	}
	return err;
}

static int find_programs(struct batch *b)
{
	int exchange = bpf_object__find_map_fd_by_name(b->object, "exchanges");

	for (int m = 0; m < MODES; m++)
		b->programs[m] = bpf_program__fd(bpf_object__find_program_by_name(
			b->object, b->single ? modes[m].single : modes[m].batch));
	b->exchange =
		mmap(NULL, sizeof(*b->exchange), PROT_READ | PROT_WRITE, MAP_SHARED, exchange, 0);
	return b->exchange == MAP_FAILED ? -errno : 0;
}

static void leave_out_others(struct batch *b)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, b->object) {
		bool single = !strncmp(bpf_program__name(program), "single", 6);

		bpf_program__set_autoload(program, single == b->single);
	}
}

static int load(const struct check *c, struct batch *b)
{
	void *image = malloc(c->size);
	int err;

	if (!image)
		return -ENOMEM;
	memcpy(image, c->image, c->size);
	err = b->single ? filter_install(b->expressions->text, image, c->size)
			: place_batch(b, image, c->size);
	if (err >= 0) {
		b->object = bpf_object__open_mem(image, c->size, NULL);
		err = b->object ? 0 : -errno;
	}
	free(image);
	if (err)
		return err;
	leave_out_others(b);
	err = bpf_object__load(b->object);
	return err ? err : find_programs(b);
}

static void unload(struct batch *b)
{
	if (b->exchange && b->exchange != MAP_FAILED)
		munmap(b->exchange, sizeof(*b->exchange));
	bpf_object__close(b->object);
}

/* --- comparing --- */

static uint32_t type_of(const struct packet_copy *p)
{
	return p->captured < ETHERNET ? 0 : p->bytes[12] << 8 | p->bytes[13];
}

static bool is_tagged(const struct packet_copy *p)
{
	return p->captured >= ETHERNET + 4 && (type_of(p) == 0x8100 || type_of(p) == 0x88a8);
}

static bool takes(struct check *c, enum mode mode, const struct packet_copy *p)
{
	if ((mode == MODE_TAGGED && !is_tagged(p)) ||
	    (mode == MODE_IP && type_of(p) != 0x0800 && type_of(p) != 0x86dd))
		return false;
	if (p->captured >= ETHERNET && p->captured <= (mode == MODE_XDP ? MAX_XDP : MAX_TC))
		return true;
	c->left_out[mode]++;
	return false;
}

/* A bit an expression. */
static uint32_t expected(const struct batch *b, enum mode mode, const struct packet_copy *p)
{
	uint32_t skipped = modes[mode].skipped, verdicts = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct classic_program *program =
			mode == MODE_IP ? &b->expressions[i].ip : &b->expressions[i].ethernet;

		if (program->insns &&
		    reference_matches(program, p->bytes + skipped, p->captured - skipped,
				      p->wire_len - skipped))
			verdicts |= 1u << i;
	}
	return verdicts;
}

static int ask_kernel(struct batch *b, enum mode mode, const struct packet_copy *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->bytes, .data_size_in = p->captured);

	memset(b->exchange, 0, sizeof(*b->exchange));
	b->exchange->wire_len = p->wire_len - modes[mode].skipped;
	if (bpf_prog_test_run_opts(b->programs[mode], &opts))
		return -errno;
	if (!b->exchange->answered || b->exchange->inserted != (mode == MODE_TAGGED ? 4 : 0))
		return -EPROTO;
	return 0;
}

static void compare_one(struct expression *e, enum mode mode, const struct packet_copy *p,
			bool kernel, bool reference)
{
	e->verdicts++;
	e->matches += reference;
	if (kernel == reference)
		return;
	if (!e->mismatches++)
		printf("# %s: %s, packet %u, %s: the kernel says %d, libpcap %d\n", e->text,
		       p->capture, p->number, modes[mode].name, kernel, reference);
}

static void compare_packet(struct check *c, struct batch *b, enum mode mode,
			   const struct packet_copy *p, uint32_t reference)
{
	int err = ask_kernel(b, mode, p);

	if (err == -EINVAL && mode != MODE_XDP && p->captured < SHORT_TC) {
		c->left_out[mode]++;
		return;
	}
	if (err) {
		if (!c->failed_runs++)
			printf("# %s, packet %u (%u bytes), %s: test_run: %s\n", p->capture,
			       p->number, p->captured, modes[mode].name, strerror(-err));
		return;
	}
	for (uint32_t i = 0; i < b->count; i++) {
		if (mode == MODE_IP && !b->expressions[i].ip.insns)
			continue;
		c->verdicts[mode]++;
		compare_one(&b->expressions[i], mode, p, b->exchange->verdicts >> i & 1,
			    reference >> i & 1);
	}
}

static void compare(struct check *c, struct batch *b, uint32_t step)
{
	for (size_t i = 0; i < c->packets.count; i += step) {
		const struct packet_copy *p = &c->packets.list[i];
		uint32_t ethernet = expected(b, MODE_XDP, p);

		for (enum mode m = 0; m < MODES; m++)
			if (takes(c, m, p))
				compare_packet(c, b, m, p,
					       m == MODE_IP ? expected(b, m, p) : ethernet);
	}
}

static void report_expression(struct check *c, struct expression *e)
{
	char *text = NULL;

	c->matches += e->matches;
	c->mismatches += e->mismatches;
	if (asprintf(&text, "%lu verdicts, %lu match, %lu mismatches: %s",
		     (unsigned long)e->verdicts, (unsigned long)e->matches,
		     (unsigned long)e->mismatches, e->text) < 0)
		abort();
	for (char *at = text; *at; at++)
		if (*at == '#')
			*at = ' '; /* TAP would read a directive */
	report(c, e->verdicts && !e->mismatches, text);
	free(text);
}

static void run_batch(struct check *c, struct batch *b, uint32_t step)
{
	int err = load(c, b);

	if (err)
		printf("# loading: %s\n", strerror(-err));
	else
		compare(c, b, step);
	unload(b);
	for (uint32_t i = 0; i < b->count; i++)
		report_expression(c, &b->expressions[i]);
}

static void run_batches(struct check *c, uint32_t from, uint32_t to, uint32_t step)
{
	for (uint32_t i = from; i < to; i += BATCH) {
		struct batch b = { .expressions = c->expressions + i,
				   .count = to - i < BATCH ? to - i : BATCH };

		run_batch(c, &b, step);
	}
}

/* --- expressions --- */

static void forget_expression(struct expression *e)
{
	free(e->text);
	free(e->ethernet.insns);
	free(e->ip.insns);
}

/* Takes the text. False when it does not compile, or to what libpcap itself runs by chance. */
static bool add_expression(struct check *c, char *text, bool explain)
{
	struct expression e = { .text = text };

	if (classic_compile(text, CLASSIC_ETHERNET, explain, &e.ethernet)) {
		free(text);
		return false;
	}
	if (classic_compile(text, CLASSIC_IP, false, &e.ip))
		e.ip.insns = NULL;
	if (!reference_is_defined(&e.ethernet) || !reference_is_defined(&e.ip)) {
		c->undefined++;
		forget_expression(&e);
		return false;
	}
	c->expressions = realloc(c->expressions, (c->count + 1) * sizeof(e));
	if (!c->expressions)
		abort();
	c->expressions[c->count++] = e;
	return true;
}

static void read_expressions(struct check *c, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];
	bool good = file;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			good &= add_expression(c, strdup(line), true);
	}
	if (file)
		fclose(file);
	c->listed = c->count;
	report(c, good && c->listed >= 50, "the listed expressions compile");
}

static void generate_expressions(struct check *c)
{
	struct grammar g = { .state = SEED };
	uint32_t wanted = c->count + GENERATED;

	while (c->count < wanted) {
		const struct packet_copy *p =
			&c->packets.list[grammar_pick(&g, (uint32_t)c->packets.count)];
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		g.packet = p->bytes;
		g.length = p->captured ? p->captured : 1;
		grammar_write(&g, out);
		fclose(out);
		add_expression(c, text, false);
	}
}

/* About five classic instructions a term; libpcap is quick with it. */
static char *long_expression(int terms)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("ip and (ether[0]", out);
	for (int i = 0; i < terms; i++)
		fprintf(out, " + ether[%d]", i % 60);
	fputs(") & 1 = 0", out);
	fclose(out);
	return text;
}

static void run_longest(struct check *c)
{
	struct expression *e;
	struct batch b = { .count = 1, .single = true };
	char text[96];

	if (!add_expression(c, long_expression(800), true))
		return;
	e = b.expressions = &c->expressions[c->count - 1];
	snprintf(text, sizeof(text), "an expression of %u classic instructions", e->ethernet.count);
	report(c, e->ethernet.count > 4000, text);
	run_batch(c, &b, SAMPLE_STEP);
}

static void refuse(struct check *c, const char *expression, int error, const char *what)
{
	void *image = malloc(c->size);

	if (!image)
		abort();
	memcpy(image, c->image, c->size);
	report(c, filter_install(expression, image, c->size) == error, what);
	free(image);
}

static void run_refusals(struct check *c)
{
	char *longest = long_expression(1500);

	refuse(c, "ip6 protochain 6", -ELOOP, "a loop is refused by name");
	refuse(c, longest, -E2BIG, "what does not fit is refused by name");
	refuse(c, "vlan 5", FILTER_NEEDS_ETHERNET, "what needs Ethernet is told");
	free(longest);
}

/* --- the whole --- */

static void report_totals(struct check *c)
{
	for (int m = 0; m < MODES; m++) {
		char text[128];

		snprintf(text, sizeof(text),
			 "%s: %lu verdicts; %lu runs left out, too short or long", modes[m].name,
			 (unsigned long)c->verdicts[m], (unsigned long)c->left_out[m]);
		report(c, c->verdicts[m] > 10000, text);
	}
	printf("# %zu packets, %u listed and %u other expressions; %lu matches, %lu mismatches, "
	       "%lu runs failed; left out as undefined in libpcap: %lu\n",
	       c->packets.count, c->listed, c->count - c->listed, (unsigned long)c->matches,
	       (unsigned long)c->mismatches, (unsigned long)c->failed_runs,
	       (unsigned long)c->undefined);
	report(c, !c->failed_runs && c->matches, "every packet got its verdicts");
}

static void *read_image(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *image = NULL;

	if (file && !fseek(file, 0, SEEK_END)) {
		*size = ftell(file);
		rewind(file);
		image = malloc(*size);
		if (image && fread(image, 1, *size, file) != *size)
			*size = 0;
	}
	if (file)
		fclose(file);
	return image;
}

static bool is_permitted(const struct check *c)
{
	struct batch none = { 0 };
	int err = load(c, &none);

	unload(&none);
	return err != -EPERM;
}

static void forget(struct check *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		forget_expression(&c->expressions[i]);
	free(c->expressions);
	packets_free(&c->packets);
	free(c->image);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* Longer than a page: at XDP these lie in fragments. */
static void add_giants(struct check *c)
{
	static uint8_t bytes[40000];
	const struct packet_copy *first = &c->packets.list[0];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i < first->captured ? first->bytes[i] : (uint8_t)(i * 7);
	packets_add(&c->packets, "giant", bytes, 9014);
	packets_add(&c->packets, "giant", bytes, sizeof(bytes));
}

static void run(struct check *c, const char *expressions, char **captures)
{
	for (; *captures; captures++)
		packets_read(&c->packets, *captures);
	report(c, c->packets.count > 1000, "the captures are read");
	add_giants(c);
	read_expressions(c, expressions);
	generate_expressions(c);
	run_batches(c, 0, c->listed, 1);
	run_batches(c, c->listed, c->count, SAMPLE_STEP);
	run_longest(c);
	run_refusals(c);
	report_totals(c);
}

int main(int argc, char **argv)
{
	struct check c = { 0 };

	if (argc < 4)
		return 2;
	libbpf_set_print(quiet);
	c.image = read_image(argv[1], &c.size);
	if (is_permitted(&c))
		run(&c, argv[2], argv + 3);
	else
		printf("ok %d - filter # SKIP loading BPF programs is not permitted here\n",
		       ++c.tests);
	printf("1..%d\n", c.tests);
	forget(&c);
	return c.failures != 0;
}
