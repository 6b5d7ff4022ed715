/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translator of capture filters: what it refuses, that it never writes behind its room, and
 * that what it writes has the form that the kernel asks for. What the code does is for the kernel
 * to say, in tests/bpf/filter.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "filter_ebpf.h"
#include "filter_install.h"
#include "meter/filter.h"

#define ROOM     16384
#define PROGRAMS 20000
#define GUARD    0x5a

static uint64_t chance = 0x9e3779b97f4a7c15ull;

static uint32_t pick(uint32_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (uint32_t)(chance >> 32) % below;
}

static int translate(const struct classic_insn *program, uint32_t count)
{
	static struct bpf_insn out[ROOM];

	return filter_translate(program, count, FILTER_TC, out, ROOM);
}

static void loops_are_refused(void **state)
{
	struct classic_insn itself[] = { { BPF_JMP | BPF_JA, 0, 0, -1u }, { BPF_RET, 0, 0, 1 } };
	struct classic_insn back[] = { { BPF_LD | BPF_IMM, 0, 0, 1 },
				       { BPF_JMP | BPF_JEQ, 0, 1, 1 },
				       { BPF_JMP | BPF_JA, 0, 0, -3u },
				       { BPF_RET, 0, 0, 1 } };

	(void)state;
	assert_int_equal(translate(itself, 2), -ELOOP);
	assert_int_equal(translate(back, 4), -ELOOP);
}

static void protochain_is_a_loop(void **state)
{
	struct classic_program program;

	(void)state;
	assert_int_equal(classic_compile("ip6 protochain 6", CLASSIC_ETHERNET, false, &program), 0);
	assert_int_equal(translate(program.insns, program.count), -ELOOP);
	free(program.insns);
}

static void a_loop_that_nothing_reaches_is_none(void **state)
{
	struct classic_insn program[] = { { BPF_RET, 0, 0, 1 }, { BPF_JMP | BPF_JA, 0, 0, -1u } };

	(void)state;
	assert_true(translate(program, 2) > 0);
}

static void what_is_no_program_is_refused(void **state)
{
	static const struct classic_insn wrong[][2] = {
		{ { BPF_LD | BPF_IMM, 0, 0, 1 } },                         /* no end */
		{ { BPF_JMP | BPF_JA, 0, 0, 1 }, { BPF_RET, 0, 0, 0 } },   /* behind the end */
		{ { BPF_JMP | BPF_JEQ, 0, 7, 1 }, { BPF_RET, 0, 0, 0 } },  /* behind the end */
		{ { BPF_JMP | BPF_JA, 0, 0, -9u }, { BPF_RET, 0, 0, 0 } }, /* before the start */
		{ { BPF_JMP | 0x50, 0, 0, 1 }, { BPF_RET, 0, 0, 0 } },     /* a condition of eBPF */
		{ { BPF_ST, 0, 0, BPF_MEMWORDS }, { BPF_RET, 0, 0, 0 } },  /* no such M[] */
		{ { BPF_LD | BPF_MEM, 0, 0, -1u }, { BPF_RET, 0, 0, 0 } }, /* no such M[] */
		{ { BPF_ALU | BPF_DIV, 0, 0, 0 }, { BPF_RET, 0, 0, 0 } },  /* by 0 */
		{ { BPF_ALU | BPF_MOD, 0, 0, 0 }, { BPF_RET, 0, 0, 0 } },  /* by 0 */
		{ { BPF_LD | BPF_MSH | BPF_B, 0, 0, 0 }, { BPF_RET, 0, 0, 0 } }, /* LDX's alone */
		{ { BPF_LD | BPF_ABS | 0x18, 0, 0, 0 }, { BPF_RET, 0, 0, 0 } },  /* eight bytes */
		{ { BPF_MISC | 0x40, 0, 0, 0 }, { BPF_RET, 0, 0, 0 } }, /* not TAX nor TXA */
		{ { BPF_RET | BPF_X, 0, 0, 0 } },                       /* only K and A */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(translate(wrong[i], wrong[i][1].code ? 2 : 1), -EINVAL);
	assert_int_equal(translate(wrong[0], 0), -EINVAL);
}

static void what_is_too_long_is_refused(void **state)
{
	static struct classic_insn program[BPF_MAXINSNS + 1];
	struct bpf_insn out[64];

	(void)state;
	for (int i = 0; i < BPF_MAXINSNS; i++)
		program[i] = (struct classic_insn){ BPF_LD | BPF_IMM, 0, 0, i };
	program[BPF_MAXINSNS - 1] = program[BPF_MAXINSNS] =
		(struct classic_insn){ .code = BPF_RET };
	assert_true(translate(program, BPF_MAXINSNS) > 0);
	assert_int_equal(translate(program, BPF_MAXINSNS + 1), -E2BIG);
	assert_int_equal(filter_translate(program, BPF_MAXINSNS, FILTER_XDP, out, 64), -E2BIG);
}

/* --- programs by chance --- */

static uint32_t random_offset(void)
{
	static const uint32_t edges[] = {
		0, 255, 256, 0x7ffffff6, 0x7ffffff7, 0x7ffffff8, -2u, -1u
	};

	return pick(4) ? pick(1600) : edges[pick(sizeof(edges) / sizeof(edges[0]))];
}

static struct classic_insn random_insn(uint32_t left)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_ABS | BPF_W,
		BPF_LD | BPF_ABS | BPF_H,
		BPF_LD | BPF_ABS | BPF_B,
		BPF_LD | BPF_IND | BPF_W,
		BPF_LD | BPF_IND | BPF_H,
		BPF_LD | BPF_IND | BPF_B,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_LD | BPF_LEN,
		BPF_LDX | BPF_LEN,
		BPF_LDX | BPF_MSH | BPF_B,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_ALU | BPF_NEG,
		BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_JMP | BPF_JEQ,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JSET,
		BPF_JMP | BPF_JGE,
		BPF_JMP | BPF_JSET | BPF_X,
		BPF_JMP | BPF_JA,
		BPF_ST,
		BPF_STX,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
	};
	struct classic_insn in = { .code = codes[pick(sizeof(codes) / sizeof(codes[0]))] };
	uint32_t reach = left > 200 ? 200 : left;

	in.k = random_offset();
	in.jt = (uint8_t)pick(reach);
	in.jf = (uint8_t)pick(reach);
	if (in.code == (BPF_JMP | BPF_JA))
		in.k = pick(left);
	if (BPF_CLASS(in.code) == BPF_ST || BPF_CLASS(in.code) == BPF_STX ||
	    BPF_MODE(in.code) == BPF_MEM)
		in.k = pick(BPF_MEMWORDS);
	return in;
}

static uint32_t random_program(struct classic_insn *program, uint32_t most)
{
	uint32_t count = 2 + pick(most - 1);

	for (uint32_t i = 0; i + 1 < count; i++)
		program[i] = random_insn(count - i - 1);
	program[count - 1] = (struct classic_insn){ .code = BPF_RET, .k = pick(2) };
	return count;
}

static bool is_jump(const struct bpf_insn *in)
{
	uint8_t class = BPF_CLASS(in->code), operation = BPF_OP(in->code);

	return class == BPF_JMP32 ||
	       (class == BPF_JMP && operation != BPF_CALL && operation != BPF_EXIT);
}

/* The kernel refuses jumps out of the function, backward ones here, and what cannot be reached. */
static void assert_form(const struct bpf_insn *code, int count)
{
	static bool reached[ROOM + 1];

	memset(reached, 0, sizeof(reached));
	reached[0] = true;
	for (int i = 0; i < count; i++) {
		const struct bpf_insn *in = &code[i];

		assert_true(reached[i]);
		if (is_jump(in)) {
			assert_in_range(i + 1 + in->off, i + 1, count - 1);
			reached[i + 1 + in->off] = true;
		}
		if (in->code != (BPF_JMP | BPF_EXIT) && in->code != (BPF_JMP | BPF_JA))
			reached[i + 1] = true;
	}
	assert_false(reached[count]);
	assert_int_equal(code[count - 1].code, BPF_JMP | BPF_EXIT);
}

static void assert_untouched(const struct bpf_insn *code, size_t count)
{
	const uint8_t *bytes = (const uint8_t *)code;

	for (size_t i = 0; i < count * sizeof(*code); i++)
		assert_int_equal(bytes[i], GUARD);
}

/* Its length decides whether it fits, to the instruction; nothing is written behind. */
static void programs_by_chance_are_well_formed(void **state)
{
	static struct classic_insn program[200];
	static struct bpf_insn code[ROOM];

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		uint32_t count = random_program(program, i % 100 ? 40 : 200);
		enum filter_hook hook = i % 2 ? FILTER_XDP : FILTER_TC;
		int length = filter_translate(program, count, hook, code, ROOM);

		assert_in_range(length, 1, 40 * 200);
		assert_form(code, length);
		memset(code, GUARD, (length + 8) * sizeof(*code));
		assert_int_equal(filter_translate(program, count, hook, code, length - 1), -E2BIG);
		assert_untouched(code, length + 8);
		assert_int_equal(filter_translate(program, count, hook, code, length), length);
		assert_untouched(code + length, 8);
	}
}

/* Any bytes: refused or well formed. */
static void garbage_is_refused_or_well_formed(void **state)
{
	static struct classic_insn program[12];
	static struct bpf_insn code[ROOM];
	int refused = 0;

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		uint32_t count = random_program(program, 12);
		struct classic_insn *in = &program[pick(count)];
		int length;

		*in = (struct classic_insn){ (uint16_t)pick(0x10000), (uint8_t)pick(16),
					     (uint8_t)pick(16), pick(2) ? pick(20) : -pick(20) };
		length = filter_translate(program, count, FILTER_TC, code, ROOM);
		refused += length < 0;
		if (length > 0)
			assert_form(code, length);
		else
			assert_true(length == -EINVAL || length == -ELOOP);
	}
	assert_in_range(refused, PROGRAMS / 10, PROGRAMS * 9 / 10);
}

/* --- into the object --- */

#define SLED 6

/* What the compiler leaves of one of bpf/filter.bpf.h's functions. */
static void make_image(struct bpf_insn image[SLED + 4])
{
	image[0] = (struct bpf_insn){ .code = 0xbc, .dst_reg = 3, .src_reg = 3 };
	image[1] = (struct bpf_insn){ .code = 0xb7, .imm = FILTER_MARK_TC };
	image[2] = (struct bpf_insn){ .code = 0x55, .off = SLED };
	for (int i = 3; i < SLED + 3; i++)
		image[i] = (struct bpf_insn){ .code = 0x05 };
	image[SLED + 3] = (struct bpf_insn){ .code = 0x95 };
}

static void a_filter_is_placed_behind_its_mark(void **state)
{
	struct bpf_insn image[SLED + 4], code[] = { { .code = 0xb4, .imm = 1 }, { .code = 0x95 } };

	(void)state;
	make_image(image);
	assert_int_equal(filter_place(image, sizeof(image), FILTER_MARK_TC, code, 2), 0);
	assert_int_equal(image[2].code, 0x15); /* if r0 == 0, which it is not, */
	assert_int_equal(image[2].off, 2);     /* over the filter to what is left */
	assert_memory_equal(image + 3, code, sizeof(code));
	for (int i = 5; i < SLED + 3; i++)
		assert_int_equal(image[i].code, 0x05);
	assert_int_equal(image[SLED + 3].code, 0x95);
}

static void room_that_is_missing_is_told(void **state)
{
	struct bpf_insn image[SLED + 4], code[SLED + 1] = { 0 };

	(void)state;
	make_image(image);
	assert_int_equal(filter_place(image, sizeof(image), FILTER_MARK_XDP, code, 2), -ENOENT);
	assert_int_equal(filter_place(image, sizeof(image), FILTER_MARK_TC, code, SLED + 1),
			 -E2BIG);
	assert_int_equal(filter_place(image, 24, FILTER_MARK_TC, code, 2), -ENOENT); /* cut off */
	assert_int_equal(filter_place(image, 3, FILTER_MARK_TC, code, 2), -ENOENT);
	assert_int_equal(filter_place(image, sizeof(image), FILTER_MARK_TC, code, SLED), 0);
	assert_int_equal(filter_install("ip", image, sizeof(image)), -ENOENT);
}

static void an_expression_may_need_ethernet(void **state)
{
	struct classic_program program;

	(void)state;
	assert_int_equal(classic_compile("vlan 5", CLASSIC_IP, false, &program), -EINVAL);
	assert_int_equal(classic_compile("vlan 5", CLASSIC_ETHERNET, false, &program), 0);
	free(program.insns);
	assert_int_equal(classic_compile("tcp", CLASSIC_IP, false, &program), 0);
	assert_true(program.count > 1);
	free(program.insns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops_are_refused),
		cmocka_unit_test(protochain_is_a_loop),
		cmocka_unit_test(a_loop_that_nothing_reaches_is_none),
		cmocka_unit_test(what_is_no_program_is_refused),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(programs_by_chance_are_well_formed),
		cmocka_unit_test(garbage_is_refused_or_well_formed),
		cmocka_unit_test(a_filter_is_placed_behind_its_mark),
		cmocka_unit_test(room_that_is_missing_is_told),
		cmocka_unit_test(an_expression_may_need_ethernet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
