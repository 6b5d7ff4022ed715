/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs what was read out of a flow's packets; dissect.h has the reader's side. */
#ifndef USER_APP_TEXT_H
#define USER_APP_TEXT_H

#include "dissect.h"

/*
 * NULL pointers are absent texts. NULL when all are absent or memory is short. Packets say what
 * they like: what is not UTF-8 and all control characters become '?', and texts end at 4000 bytes.
 */
struct packed_text *app_text_pack(const struct app_text *from);

#endif
