/* SPDX-License-Identifier: BSD-2-Clause */
/* A pipe or the like as a FILE to read, which says so before it waits for bytes. */
#ifndef USER_STREAM_FILE_H
#define USER_STREAM_FILE_H

#include <stdio.h>

/* Takes fd, to be closed by fclose(). NULL with errno; fd is closed then too. */
FILE *stream_file_open(int fd, void (*waits)(void *context), void *context);

#endif
