/* SPDX-License-Identifier: BSD-2-Clause */
/* How every thread of this program begins. */
#ifndef USER_THREAD_H
#define USER_THREAD_H

#include <pthread.h>

/*
 * Starts a thread that takes no signals: those are for the threads of who called, whose waiting
 * they are to end. name: up to 15 bytes, as top -H shows them. 0 or a negative errno.
 */
int thread_start(pthread_t *out, const char *name, void *(*run)(void *context), void *context);

#endif
