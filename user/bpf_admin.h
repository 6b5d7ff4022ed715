/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person asks of weir's programs in the kernel, whoever attached them. */
#ifndef USER_BPF_ADMIN_H
#define USER_BPF_ADMIN_H

#include <stdio.h>

#include "config.h"

/*
 * weir detach: removes the pins of --pin and with them their links and maps, and the filters that
 * a killed process left on config->interfaces (none given: on all). Says what it removed. 0, or
 * negative after a message.
 */
int bpf_admin_detach(const struct config *config, FILE *to);

/*
 * weir status: where programs of weir are attached on config->interfaces (none given: on all), how
 * full their maps are, their ledgers, and rates over a second. 0, or negative after a message.
 */
int bpf_admin_status(const struct config *config, FILE *to);

#endif
