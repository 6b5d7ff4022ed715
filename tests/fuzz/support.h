/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share: a check that stops the fuzzer, a cursor over its bytes, files in
 * memory for code that opens files by name, and a stderr that nobody reads.
 */
#ifndef TESTS_FUZZ_SUPPORT_H
#define TESTS_FUZZ_SUPPORT_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A trap is a finding to libFuzzer, with a stack; assert() would go with NDEBUG. */
static inline void require(int holds)
{
	if (!holds)
		__builtin_trap();
}

/* Messages are still formatted. The sanitizers and libFuzzer have file descriptors of their own. */
static inline void support_silence(void)
{
	stderr = fopen("/dev/null", "w");
	require(stderr != NULL);
}

struct input {
	const uint8_t *at;
	size_t left;
};

/* 0 behind the end. */
static inline uint8_t input_u8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/* Little endian. */
static inline uint16_t input_u16(struct input *in)
{
	uint16_t low = input_u8(in);

	return low | input_u8(in) << 8;
}

/* Up to length bytes in a block of exactly that size: a read past them is seen. free() it. */
static inline uint8_t *input_block(struct input *in, size_t length, size_t *taken)
{
	uint8_t *block;

	*taken = length < in->left ? length : in->left;
	block = malloc(*taken);
	require(block || !*taken);
	if (*taken)
		memcpy(block, in->at, *taken);
	in->at += *taken;
	in->left -= *taken;
	return block;
}

struct memory_file {
	int fd;
	char path[32]; /* opens it anew, from its start */
};

static inline void memory_file_open(struct memory_file *f)
{
	f->fd = memfd_create("fuzz", MFD_CLOEXEC);
	require(f->fd >= 0);
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

static inline void memory_file_set(const struct memory_file *f, const void *bytes, size_t size)
{
	require(ftruncate(f->fd, 0) == 0);
	require(!size || pwrite(f->fd, bytes, size, 0) == (ssize_t)size);
}

/* Its contents with a zero behind them. free() it. */
static inline char *memory_file_text(const struct memory_file *f)
{
	off_t size = lseek(f->fd, 0, SEEK_END);
	char *text = malloc(size + 1);

	require(text && pread(f->fd, text, size, 0) == size);
	text[size] = '\0';
	return text;
}

#endif
