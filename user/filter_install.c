/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the sleds of bpf/filter.bpf.h by their mark in the bytes of an object file. The length of a
 * function stays as it was, so that its BTF, line numbers and the calls around it stay right; what
 * the filter leaves of the room is dead code, which the kernel cuts out in one piece. (It takes
 * out nops that run one by one: 80 ms for a sled, where this takes one.)
 */
#include "filter_install.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter_ebpf.h"
#include "meter/filter.h"

static const struct bpf_insn nop = { .code = BPF_JMP | BPF_JA };

struct sled {
	uint8_t *at; /* of the room; not aligned */
	uint32_t room;
};

/* The mark, and a jump over the room, whose length it tells. */
static bool is_beginning(const struct bpf_insn two[2], int32_t mark)
{
	return two[0].code == (BPF_ALU64 | BPF_MOV | BPF_K) && two[0].dst_reg == BPF_REG_0 &&
	       two[0].imm == mark && two[1].code == (BPF_JMP | BPF_JNE | BPF_K) &&
	       two[1].dst_reg == BPF_REG_0 && !two[1].imm && two[1].off > 0;
}

/* Sections with instructions are aligned to eight bytes of the file. */
static bool find_sled(uint8_t *image, size_t size, int32_t mark, struct sled *sled)
{
	struct bpf_insn two[2];

	for (size_t at = 0; at + sizeof(two) <= size; at += sizeof(two[0])) {
		memcpy(two, image + at, sizeof(two));
		if (!is_beginning(two, mark))
			continue;
		sled->at = image + at + sizeof(two);
		sled->room = two[1].off;
		return sled->room <= (size - at - sizeof(two)) / sizeof(nop);
	}
	return false;
}

/* Never taken: it only leads to what is left of the room, or the kernel would refuse that. */
static struct bpf_insn jump_to_rest(uint32_t count)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_JEQ | BPF_K,
				  .dst_reg = BPF_REG_0,
				  .off = (int16_t)count };
}

int filter_place(void *image, size_t size, int32_t mark, const struct bpf_insn *code,
		 uint32_t count)
{
	struct bpf_insn over = jump_to_rest(count);
	struct sled sled;

	if (!find_sled(image, size, mark, &sled))
		return -ENOENT;
	if (count > sled.room)
		return -E2BIG;
	memcpy(sled.at - sizeof(over), &over, sizeof(over));
	memcpy(sled.at, code, count * sizeof(*code));
	for (uint32_t i = count; i < sled.room; i++)
		memcpy(sled.at + i * sizeof(nop), &nop, sizeof(nop));
	return 0;
}

static int translate_and_place(const struct classic_program *program, enum filter_hook hook,
			       int32_t mark, void *image, size_t size)
{
	struct bpf_insn *code = calloc(FILTER_SLED, sizeof(*code));
	int count, err;

	if (!code)
		return -ENOMEM;
	count = filter_translate(program->insns, program->count, hook, code, FILTER_SLED);
	err = count < 0 ? count : filter_place(image, size, mark, code, count);
	free(code);
	return err;
}

static int install_ethernet(const char *expression, void *image, size_t size)
{
	struct classic_program program;
	int err = classic_compile(expression, CLASSIC_ETHERNET, true, &program);

	if (err)
		return err;
	err = translate_and_place(&program, FILTER_XDP, FILTER_MARK_XDP, image, size);
	if (!err)
		err = translate_and_place(&program, FILTER_TC, FILTER_MARK_TC, image, size);
	free(program.insns);
	return err;
}

static int install_ip(const char *expression, void *image, size_t size)
{
	static struct classic_insn none = { .code = BPF_RET | BPF_K };
	struct classic_program program = { &none, 1 };
	int err = classic_compile(expression, CLASSIC_IP, false, &program);
	int needs_ethernet = err == -EINVAL ? FILTER_NEEDS_ETHERNET : 0;

	if (err && !needs_ethernet)
		return err;
	err = translate_and_place(&program, FILTER_TC, FILTER_MARK_TC_L3, image, size);
	if (program.insns != &none)
		free(program.insns);
	return err ? err : needs_ethernet;
}

int filter_install(const char *expression, void *image, size_t size)
{
	int err = install_ethernet(expression, image, size);

	return err ? err : install_ip(expression, image, size);
}
