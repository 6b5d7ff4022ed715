/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets from capture files, through libpcap (whose headers are included nowhere else but in
 * filter.c, for they clash with the kernel's BPF headers).
 */
#ifndef USER_SOURCE_PCAP_H
#define USER_SOURCE_PCAP_H

#include "source.h"

struct source_pcap;

/*
 * Reads config->read_files in order; flows go on from one to the next. The first file is opened
 * here, unless it is a pipe. 0, or a negative errno after a message: -EINVAL for a bad filter.
 */
int source_pcap_open(struct source_pcap **out, const struct config *config);
int source_pcap_begin(struct source_pcap *s, const struct source_parts *parts);
int source_pcap_step(struct source_pcap *s);
void source_pcap_close(struct source_pcap *s);
/* Sizes of all files and how much of them was read; 0 where that is not known (a pipe). */
void source_pcap_progress(const struct source_pcap *s, uint64_t *total, uint64_t *read);

/* libpcap's own version string. */
const char *source_pcap_version(void);

#endif
