/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture filters: libpcap's expression language, and a message that shows where it went wrong. */
#ifndef USER_FILTER_H
#define USER_FILTER_H

#include <pcap/pcap.h>

/* 0, or -EINVAL after a message with a caret before the word that does not fit. */
int filter_compile(pcap_t *pcap, const char *expression, struct bpf_program *out);

#endif
