/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts the capture filter into the kernel program's object file, before libbpf opens it: in a copy
 * of the file's bytes, which a skeleton has too:
 *
 *	s = calloc(1, sizeof(*s));
 *	weir_bpf__create_skeleton(s);
 *	image = a copy of the s->skeleton->data_sz bytes at s->skeleton->data;
 *	err = filter_install(expression, image, s->skeleton->data_sz);
 *	s->skeleton->data = image;
 *	bpf_object__open_skeleton(s->skeleton, options);
 *
 * After that the image may be freed. An object that nothing was installed in lets all packets by.
 */
#ifndef USER_FILTER_INSTALL_H
#define USER_FILTER_INSTALL_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* filter_install: the expression is one for Ethernet only (vlan, ether, ...): filter_tc_l3, for
 * packets without such a header, lets none by. */
#define FILTER_NEEDS_ETHERNET 1

/*
 * Compiles the expression and fills the image's three filter functions. 0 or
 * FILTER_NEEDS_ETHERNET. -EINVAL: no expression, as a message with a caret has said. Without a
 * message: -ELOOP: it has a loop (protochain), -E2BIG: it is too long, -ENOENT: the image has no
 * room for one of the filters, -ENOMEM.
 */
int filter_install(const char *expression, void *image, size_t size);

/*
 * Writes one translated filter into the function whose room begins with the mark of
 * meter/filter.h. -ENOENT: there is none; -E2BIG: the room is too small.
 */
int filter_place(void *image, size_t size, int32_t mark, const struct bpf_insn *code,
		 uint32_t count);

#endif
