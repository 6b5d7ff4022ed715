/* SPDX-License-Identifier: BSD-2-Clause */
#include "thread.h"

#include <signal.h>

int thread_start(pthread_t *out, const char *name, void *(*run)(void *context), void *context)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(out, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(*out, name);
	return -err;
}
