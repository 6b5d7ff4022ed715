/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether an interface's clsact qdisc holds filters, of anybody. */
#ifndef USER_TC_FILTERS_H
#define USER_TC_FILTERS_H

#include <stdbool.h>

/* True also when it cannot be told. */
bool tc_filters_exist(unsigned int interface);

#endif
