/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF programs, for files that cannot have libpcap's headers, which clash with the
 * kernel's. The instructions have the layout of both.
 */
#ifndef USER_CLASSIC_H
#define USER_CLASSIC_H

#include <stdbool.h>
#include <stdint.h>

struct classic_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct classic_program {
	struct classic_insn *insns; /* to be freed */
	uint32_t count;
};

/* What the packets begin with. */
enum classic_link {
	CLASSIC_ETHERNET,
	CLASSIC_IP,
};

/*
 * Compiles a pcap-filter(7) expression without an open capture. -EINVAL when it does not fit the
 * link, with a message that shows where if explain is set; -ENOMEM.
 */
int classic_compile(const char *expression, enum classic_link link, bool explain,
		    struct classic_program *out);

#endif
