/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps and links in a BPF file system (--pin DIR), where they outlive the process: maps under
 * their names, links as link-INTERFACE-SLOT.
 */
#ifndef USER_BPF_PIN_H
#define USER_BPF_PIN_H

#include <stdbool.h>

#include "meter/types.h"

struct bpf_object;

#define BPF_PIN_PATH 4096

/* Makes dir, if need be, and takes its lock: see bpf_pin_lock(). */
int bpf_pin_open(const char *dir);
/*
 * Before load: takes up the maps that are pinned in dir. 0, or negative with a bpf_reason():
 * -EEXIST when other settings made them.
 */
int bpf_pin_adopt(struct bpf_object *object, const char *dir, const struct meter_config *meter,
		  bool *adopted);
/* After load: pins what is not pinned yet. */
int bpf_pin_maps(struct bpf_object *object, const char *dir, const struct meter_config *meter);
/*
 * Whether an agent runs on dir: it holds a lock. A descriptor that is ours now, until it is
 * closed; or negative with a bpf_reason(), -EBUSY when somebody has it.
 */
int bpf_pin_lock(const char *dir);

void bpf_pin_link_path(char out[BPF_PIN_PATH], const char *dir, const char *interface,
		       const char *slot);
/* Calls fn with the path of each pinned link; stops at the first that returns non-zero. */
int bpf_pin_each_link(const char *dir, int (*fn)(const char *path, void *context), void *context);
/* fd of a pinned map, or negative errno. */
int bpf_pin_map_fd(const char *dir, const char *map);
/* Removes every pin; how many there were. */
int bpf_pin_clear(const char *dir);
/* The same, and the directory. */
int bpf_pin_remove(const char *dir);

#endif
