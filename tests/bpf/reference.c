/* SPDX-License-Identifier: BSD-2-Clause */
#include "reference.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct classic_insn) == sizeof(struct bpf_insn), "one layout");

bool reference_matches(const struct classic_program *program, const uint8_t *bytes,
		       uint32_t captured, uint32_t wire_len)
{
	struct bpf_program p = { .bf_len = program->count,
				 .bf_insns = (struct bpf_insn *)program->insns };
	struct pcap_pkthdr h = { .caplen = captured, .len = wire_len };

	return pcap_offline_filter(&p, &h, bytes) != 0;
}

/* M[] that are written on every way to an instruction: what comes from another is cut to them. */
static void arrive(uint16_t *written, uint32_t count, uint32_t at, uint16_t mask)
{
	if (at < count)
		written[at] &= mask;
}

static void go_on(const struct classic_program *p, uint16_t *written, uint32_t i, uint16_t mask)
{
	const struct classic_insn *in = &p->insns[i];

	if (BPF_CLASS(in->code) == BPF_RET)
		return;
	if (BPF_CLASS(in->code) != BPF_JMP) {
		arrive(written, p->count, i + 1, mask);
	} else if (BPF_OP(in->code) == BPF_JA) {
		arrive(written, p->count, i + 1 + in->k, mask);
	} else {
		arrive(written, p->count, i + 1 + in->jt, mask);
		arrive(written, p->count, i + 1 + in->jf, mask);
	}
}

static bool reads_unwritten(const struct classic_insn *in, uint16_t written)
{
	bool loads = BPF_CLASS(in->code) == BPF_LD || BPF_CLASS(in->code) == BPF_LDX;

	return loads && BPF_MODE(in->code) == BPF_MEM && !(written >> in->k & 1);
}

bool reference_is_defined(const struct classic_program *program)
{
	uint16_t *written = malloc((program->count + 1) * sizeof(*written));
	bool defined = written;

	if (!written)
		return false;
	memset(written, 0xff, (program->count + 1) * sizeof(*written));
	written[0] = 0;
	for (uint32_t i = 0; program->insns && i < program->count && defined; i++) {
		const struct classic_insn *in = &program->insns[i];
		bool stores = BPF_CLASS(in->code) == BPF_ST || BPF_CLASS(in->code) == BPF_STX;

		defined = !reads_unwritten(in, written[i]);
		go_on(program, written, i, written[i] | (stores ? 1u << in->k : 0));
	}
	free(written);
	return defined;
}
