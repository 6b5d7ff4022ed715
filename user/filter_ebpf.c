/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translator runs twice over the program: once to learn where each classic instruction begins,
 * once to write. What is read within METER_WINDOW comes from the window, where an skb's VLAN tag
 * has been put back; what lies behind comes from the packet, through a helper, onto the stack.
 */
#include "filter_ebpf.h"

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "meter/filter.h"
#include "meter/port.h"

/* The last three survive the helper call. At the beginning r1 to r3 are the arguments. */
enum register_use {
	RESULT = BPF_REG_0,
	OFFSET = BPF_REG_2, /* of a load, in the window */
	X = BPF_REG_6,
	A = BPF_REG_7,
	WINDOW = BPF_REG_8,
	WINDOW_LEN = BPF_REG_9,
	FRAME = BPF_REG_10,
};

enum stack_use {
	STACK_CONTEXT = -8,
	STACK_LENGTH = -12,
	STACK_LOADED = -16,
	STACK_MEMORY = STACK_LOADED - 4 * BPF_MEMWORDS,
};

/* No packet reaches as far, and an offset up to here is a positive immediate. */
#define FARTHEST (INT_MAX - 8)

struct translation {
	const struct classic_insn *program;
	uint32_t count;
	enum filter_hook hook;
	struct bpf_insn *out;
	uint32_t room, length;
	uint32_t memory; /* M[] that are read: the verifier wants them written before */
	uint32_t reject; /* where a packet is refused */
	uint32_t begin[BPF_MAXINSNS];
	bool reached[BPF_MAXINSNS];
};

static void emit(struct translation *t, uint8_t code, uint8_t dst, uint8_t src, int16_t off,
		 int32_t imm)
{
	if (t->length < t->room)
		t->out[t->length] = (struct bpf_insn){
			.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm
		};
	t->length++;
}

static void move64(struct translation *t, uint8_t dst, uint8_t src)
{
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void move32(struct translation *t, uint8_t dst, uint8_t src)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void set(struct translation *t, uint8_t dst, uint32_t value)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, value);
}

static void add(struct translation *t, uint8_t dst, int32_t value)
{
	emit(t, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value);
}

static void read_memory(struct translation *t, uint8_t size, uint8_t dst, uint8_t src, int16_t off)
{
	emit(t, BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}

static void write_stack(struct translation *t, uint8_t size, int16_t off, uint8_t src)
{
	emit(t, BPF_STX | BPF_MEM | size, FRAME, src, off, 0);
}

static void jump(struct translation *t, uint8_t code, uint8_t dst, uint8_t src, int32_t imm,
		 uint32_t target)
{
	emit(t, code, dst, src, (int16_t)(target - t->length - 1), imm);
}

static void reject_if(struct translation *t, uint8_t condition, uint8_t dst, uint8_t src,
		      int32_t imm)
{
	jump(t, BPF_JMP | condition, dst, src, imm, t->reject);
}

/* The jump that was emitted at from comes out here. */
static void land(struct translation *t, uint32_t from)
{
	if (from < t->room)
		t->out[from].off = (int16_t)(t->length - from - 1);
}

static int bytes_of(uint8_t size)
{
	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

/* From the packet itself; only offsets behind the window come here, so behind the tag as well. */
static void load_from_packet(struct translation *t, uint8_t dst, uint8_t size)
{
	read_memory(t, BPF_DW, BPF_REG_1, FRAME, STACK_CONTEXT);
	read_memory(t, BPF_W, BPF_REG_3, WINDOW, FILTER_WINDOW_INSERTED);
	emit(t, BPF_ALU64 | BPF_SUB | BPF_X, OFFSET, BPF_REG_3, 0, 0);
	move64(t, BPF_REG_3, FRAME);
	add(t, BPF_REG_3, STACK_LOADED);
	set(t, BPF_REG_4, bytes_of(size));
	emit(t, BPF_JMP | BPF_CALL, 0, 0, 0,
	     t->hook == FILTER_XDP ? BPF_FUNC_xdp_load_bytes : BPF_FUNC_skb_load_bytes);
	reject_if(t, BPF_JNE | BPF_K, RESULT, 0, 0);
	read_memory(t, size, dst, FRAME, STACK_LOADED);
}

/* The packet is in network order. */
static void to_host_order(struct translation *t, uint8_t dst, uint8_t size)
{
	if (size != BPF_B)
		emit(t, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, 8 * bytes_of(size));
}

/* Always true, which the verifier's first look, at what can be reached, does not know. */
static void reject(struct translation *t)
{
	reject_if(t, BPF_JGE | BPF_K, WINDOW_LEN, 0, 0);
}

static void load_absolute(struct translation *t, uint8_t dst, uint8_t size, uint32_t k)
{
	uint32_t end = k + bytes_of(size);

	if (k > FARTHEST) {
		reject(t);
		return;
	}
	if (end > METER_WINDOW) {
		set(t, OFFSET, k);
		load_from_packet(t, dst, size);
	} else {
		reject_if(t, BPF_JLT | BPF_K, WINDOW_LEN, 0, end);
		read_memory(t, size, dst, WINDOW, FILTER_WINDOW_BYTES + k);
	}
	to_host_order(t, dst, size);
}

/* A = P[X + k]; the sum does not wrap, in classic BPF neither. */
static void load_indirect(struct translation *t, uint8_t size, uint32_t k)
{
	int bytes = bytes_of(size);
	uint32_t behind, done;

	if (k > FARTHEST) {
		reject(t);
		return;
	}
	move32(t, OFFSET, X);
	add(t, OFFSET, k);
	behind = t->length;
	emit(t, BPF_JMP | BPF_JGT | BPF_K, OFFSET, 0, 0, METER_WINDOW - bytes);
	move64(t, BPF_REG_3, OFFSET);
	add(t, BPF_REG_3, bytes);
	reject_if(t, BPF_JGT | BPF_X, BPF_REG_3, WINDOW_LEN, 0);
	emit(t, BPF_ALU64 | BPF_ADD | BPF_X, OFFSET, WINDOW, 0, 0);
	read_memory(t, size, A, OFFSET, FILTER_WINDOW_BYTES);
	done = t->length;
	emit(t, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	land(t, behind);
	reject_if(t, BPF_JGT | BPF_K, OFFSET, 0, FARTHEST);
	load_from_packet(t, A, size);
	land(t, done);
	to_host_order(t, A, size);
}

static int16_t memory_slot(uint32_t k)
{
	return STACK_MEMORY + 4 * (int16_t)k;
}

static int load_memory(struct translation *t, uint8_t dst, uint32_t k)
{
	if (k >= BPF_MEMWORDS)
		return -EINVAL;
	read_memory(t, BPF_W, dst, FRAME, memory_slot(k));
	return 0;
}

static int store_memory(struct translation *t, uint8_t src, uint32_t k)
{
	if (k >= BPF_MEMWORDS)
		return -EINVAL;
	write_stack(t, BPF_W, memory_slot(k), src);
	return 0;
}

/* The length of an IPv4 header: X = 4 * (P[k] & 0xf). */
static void load_header_length(struct translation *t, uint32_t k)
{
	load_absolute(t, X, BPF_B, k);
	emit(t, BPF_ALU | BPF_AND | BPF_K, X, 0, 0, 0xf);
	emit(t, BPF_ALU | BPF_LSH | BPF_K, X, 0, 0, 2);
}

static int translate_load(struct translation *t, const struct classic_insn *in)
{
	uint8_t size = BPF_SIZE(in->code);

	switch (in->code) {
	case BPF_LD | BPF_ABS | BPF_W:
	case BPF_LD | BPF_ABS | BPF_H:
	case BPF_LD | BPF_ABS | BPF_B: load_absolute(t, A, size, in->k); return 0;
	case BPF_LD | BPF_IND | BPF_W:
	case BPF_LD | BPF_IND | BPF_H:
	case BPF_LD | BPF_IND | BPF_B: load_indirect(t, size, in->k); return 0;
	case BPF_LDX | BPF_MSH | BPF_B: load_header_length(t, in->k); return 0;
	case BPF_LD | BPF_LEN: read_memory(t, BPF_W, A, FRAME, STACK_LENGTH); return 0;
	case BPF_LDX | BPF_LEN: read_memory(t, BPF_W, X, FRAME, STACK_LENGTH); return 0;
	case BPF_LD | BPF_IMM: set(t, A, in->k); return 0;
	case BPF_LDX | BPF_IMM: set(t, X, in->k); return 0;
	case BPF_LD | BPF_MEM: return load_memory(t, A, in->k);
	case BPF_LDX | BPF_MEM: return load_memory(t, X, in->k);
	default: return -EINVAL;
	}
}

/* eBPF would shift by the low five bits alone. */
static void shift_by_x(struct translation *t, uint8_t operation)
{
	emit(t, BPF_JMP32 | BPF_JLE | BPF_K, X, 0, 1, 31);
	set(t, A, 0);
	emit(t, BPF_ALU | operation | BPF_X, A, X, 0, 0);
}

static int divide(struct translation *t, uint8_t operation, bool by_x, uint32_t k)
{
	if (!by_x && !k)
		return -EINVAL;
	if (by_x)
		reject_if(t, BPF_JEQ | BPF_K, X, 0, 0);
	emit(t, BPF_ALU | operation | (by_x ? BPF_X : BPF_K), A, by_x ? X : 0, 0, by_x ? 0 : k);
	return 0;
}

static void shift(struct translation *t, uint8_t operation, bool by_x, uint32_t k)
{
	if (by_x)
		shift_by_x(t, operation);
	else if (k > 31)
		set(t, A, 0);
	else
		emit(t, BPF_ALU | operation | BPF_K, A, 0, 0, k);
}

static int translate_alu(struct translation *t, const struct classic_insn *in)
{
	uint8_t operation = BPF_OP(in->code);
	bool by_x = BPF_SRC(in->code) == BPF_X;

	switch (operation) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR: emit(t, (uint8_t)in->code, A, by_x ? X : 0, 0, by_x ? 0 : in->k); return 0;
	case BPF_NEG: emit(t, BPF_ALU | BPF_NEG, A, 0, 0, 0); return 0;
	case BPF_DIV:
	case BPF_MOD: return divide(t, operation, by_x, in->k);
	case BPF_LSH:
	case BPF_RSH: shift(t, operation, by_x, in->k); return 0;
	default: return -EINVAL;
	}
}

/* 0 where there is none. */
static uint8_t opposite(uint8_t condition)
{
	switch (condition) {
	case BPF_JEQ: return BPF_JNE;
	case BPF_JGT: return BPF_JLE;
	case BPF_JGE: return BPF_JLT;
	default: return 0;
	}
}

static void jump_always(struct translation *t, uint32_t index, uint32_t skip)
{
	if (skip)
		jump(t, BPF_JMP | BPF_JA, 0, 0, 0, t->begin[index + 1 + skip]);
}

static void translate_jump(struct translation *t, uint32_t index)
{
	const struct classic_insn *in = &t->program[index];
	uint8_t condition = BPF_OP(in->code), reverse = opposite(condition);
	uint8_t source = BPF_SRC(in->code), x = source == BPF_X ? X : 0;
	int32_t k = source == BPF_X ? 0 : in->k;

	if (condition == BPF_JA) {
		jump_always(t, index, in->k);
	} else if (in->jt == in->jf) {
		jump_always(t, index, in->jt);
	} else if (!in->jt && reverse) {
		jump(t, BPF_JMP32 | reverse | source, A, x, k, t->begin[index + 1 + in->jf]);
	} else {
		jump(t, BPF_JMP32 | condition | source, A, x, k, t->begin[index + 1 + in->jt]);
		jump_always(t, index, in->jf);
	}
}

static int translate_return(struct translation *t, const struct classic_insn *in)
{
	switch (BPF_RVAL(in->code)) {
	case BPF_K: set(t, RESULT, in->k != 0); break;
	case BPF_A: move32(t, RESULT, A); break;
	default: return -EINVAL;
	}
	emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return 0;
}

static int translate_misc(struct translation *t, const struct classic_insn *in)
{
	switch (BPF_MISCOP(in->code)) {
	case BPF_TAX: move32(t, X, A); return 0;
	case BPF_TXA: move32(t, A, X); return 0;
	default: return -EINVAL;
	}
}

static int translate_one(struct translation *t, uint32_t index)
{
	const struct classic_insn *in = &t->program[index];

	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
	case BPF_LDX: return translate_load(t, in);
	case BPF_ST: return store_memory(t, A, in->k);
	case BPF_STX: return store_memory(t, X, in->k);
	case BPF_ALU: return translate_alu(t, in);
	case BPF_JMP: translate_jump(t, index); return 0;
	case BPF_RET: return translate_return(t, in);
	default: return translate_misc(t, in);
	}
}

static void begin_function(struct translation *t)
{
	reject_if(t, BPF_JEQ | BPF_K, BPF_REG_2, 0, 0);
	write_stack(t, BPF_DW, STACK_CONTEXT, BPF_REG_1);
	write_stack(t, BPF_W, STACK_LENGTH, BPF_REG_3);
	move64(t, WINDOW, BPF_REG_2);
	read_memory(t, BPF_W, WINDOW_LEN, WINDOW, FILTER_WINDOW_LEN);
	set(t, A, 0);
	set(t, X, 0);
	for (uint32_t k = 0; k < BPF_MEMWORDS; k++)
		if (t->memory & 1u << k)
			write_stack(t, BPF_W, memory_slot(k), A);
}

static void end_function(struct translation *t)
{
	t->reject = t->length;
	set(t, RESULT, 0);
	emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int pass(struct translation *t)
{
	int err = 0;

	t->length = 0;
	begin_function(t);
	for (uint32_t i = 0; i < t->count && !err; i++) {
		t->begin[i] = t->length;
		if (t->reached[i])
			err = translate_one(t, i);
	}
	end_function(t);
	return err;
}

/* The instruction skip behind index can come after it. */
static int reach(struct translation *t, uint32_t index, uint32_t skip)
{
	uint64_t target = (uint64_t)index + 1 + skip;

	if (target < t->count) {
		t->reached[target] = true;
		return 0;
	}
	return (int64_t)index + 1 + (int32_t)skip >= 0 && (int32_t)skip < 0 ? -ELOOP : -EINVAL;
}

static int reach_next(struct translation *t, uint32_t index)
{
	const struct classic_insn *in = &t->program[index];
	int err;

	if (BPF_CLASS(in->code) == BPF_RET)
		return 0;
	if (BPF_CLASS(in->code) != BPF_JMP)
		return reach(t, index, 0);
	if (BPF_OP(in->code) == BPF_JA)
		return reach(t, index, in->k);
	if (BPF_OP(in->code) > BPF_JSET)
		return -EINVAL;
	err = reach(t, index, in->jt);
	return err ? err : reach(t, index, in->jf);
}

static void note_memory(struct translation *t, const struct classic_insn *in)
{
	bool loads = BPF_CLASS(in->code) == BPF_LD || BPF_CLASS(in->code) == BPF_LDX;

	if (loads && BPF_MODE(in->code) == BPF_MEM && in->k < BPF_MEMWORDS)
		t->memory |= 1u << in->k;
}

/* What nothing leads to is left out: the verifier refuses it. */
static int find_reached(struct translation *t)
{
	int err = t->count ? 0 : -EINVAL;

	t->reached[0] = true;
	for (uint32_t i = 0; i < t->count && !err; i++) {
		if (!t->reached[i])
			continue;
		note_memory(t, &t->program[i]);
		err = reach_next(t, i);
	}
	return err;
}

int filter_translate(const struct classic_insn *program, uint32_t count, enum filter_hook hook,
		     struct bpf_insn *out, uint32_t room)
{
	struct translation t = { .program = program, .count = count, .hook = hook, .out = out };
	int err;

	if (count > BPF_MAXINSNS)
		return -E2BIG;
	err = find_reached(&t);
	if (!err)
		err = pass(&t);
	if (err)
		return err;
	if (t.length > room || t.length > SHRT_MAX)
		return -E2BIG;
	t.room = room;
	pass(&t);
	return t.length;
}
