/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf_pin.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bpf_reason.h"
#include "meter/probe.h"

#define LINK_PREFIX "link-"

/* What outlives the agent. The other maps are scratch memory of one program or one agent. */
static const char *const pinned_maps[] = { "flows",     "events",     "control", "ledger",
					   "fragments", "interfaces", NULL };

static int make_dir(const char *dir)
{
	struct statfs fs;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return bpf_reason(-errno, strerror(errno), "--pin %s cannot be made", dir);
	if (statfs(dir, &fs))
		return bpf_reason(-errno, strerror(errno), "--pin %s cannot be used", dir);
	if ((uint32_t)fs.f_type != BPF_FS_MAGIC) {
		rmdir(dir);
		return bpf_reason(-EOPNOTSUPP, "no BPF file system there",
				  "--pin %s: choose a directory below one, as /sys/fs/bpf/weir "
				  "(mount -t bpf bpf /sys/fs/bpf)",
				  dir);
	}
	return 0;
}

static void map_path(char out[BPF_PIN_PATH], const char *dir, const char *map)
{
	snprintf(out, BPF_PIN_PATH, "%s/%s", dir, map);
}

int bpf_pin_map_fd(const char *dir, const char *map)
{
	char path[BPF_PIN_PATH];
	int fd;

	map_path(path, dir, map);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static uint64_t pinned_layout(const char *dir)
{
	int fd = bpf_pin_map_fd(dir, "control");
	struct control control = { 0 };
	uint32_t zero = 0;

	if (fd >= 0) {
		bpf_map_lookup_elem(fd, &zero, &control);
		close(fd);
	}
	return control.layout;
}

static bool same_shape(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	       info.max_entries == bpf_map__max_entries(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.key_size == bpf_map__key_size(map) && info.type == bpf_map__type(map);
}

static int other_settings(const char *dir)
{
	return bpf_reason(-EEXIST, "the pinned maps were made with other settings",
			  "use the same ones (--map-entries, --stats, columns, --tunnels, "
			  "--accounting), or end it: weir detach --pin %s",
			  dir);
}

int bpf_pin_open(const char *dir)
{
	int err = make_dir(dir);

	return err ? err : bpf_pin_lock(dir);
}

int bpf_pin_adopt(struct bpf_object *object, const char *dir, const struct meter_config *meter,
		  bool *adopted)
{
	uint64_t layout = pinned_layout(dir);
	int err = 0;

	*adopted = layout != 0;
	if (!layout)
		return 0;
	if (layout != meter_layout(meter))
		return other_settings(dir);
	for (int i = 0; pinned_maps[i] && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, pinned_maps[i]);
		int fd = bpf_pin_map_fd(dir, pinned_maps[i]);

		if (fd < 0)
			return bpf_reason(fd, "pinned maps are incomplete",
					  "start anew: weir detach --pin %s", dir);
		err = same_shape(map, fd) ? bpf_map__reuse_fd(map, fd) : other_settings(dir);
		close(fd);
	}
	return err;
}

static int pin_map(const struct bpf_map *map, const char *dir)
{
	char path[BPF_PIN_PATH];

	map_path(path, dir, bpf_map__name(map));
	return bpf_obj_pin(bpf_map__fd(map), path) && errno != EEXIST ? -errno : 0;
}

static int write_layout(const struct bpf_map *map, const struct meter_config *meter)
{
	struct control *control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED,
				       bpf_map__fd(map), 0);

	if (control == MAP_FAILED)
		return -errno;
	control->layout = meter_layout(meter);
	munmap(control, sizeof(*control));
	return 0;
}

int bpf_pin_maps(struct bpf_object *object, const char *dir, const struct meter_config *meter)
{
	int err = write_layout(bpf_object__find_map_by_name(object, "control"), meter);

	for (int i = 0; pinned_maps[i] && !err; i++)
		err = pin_map(bpf_object__find_map_by_name(object, pinned_maps[i]), dir);
	if (err)
		return bpf_reason(err, strerror(-err), "--pin %s: maps cannot be pinned there",
				  dir);
	return 0;
}

int bpf_pin_lock(const char *dir)
{
	int lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0)
		return bpf_reason(-errno, strerror(errno), "--pin %s cannot be used", dir);
	if (!flock(lock, LOCK_EX | LOCK_NB))
		return lock;
	close(lock);
	return bpf_reason(-EBUSY, "another weir runs on these pins",
			  "stop it first, or choose another directory than %s", dir);
}

void bpf_pin_link_path(char out[BPF_PIN_PATH], const char *dir, const char *interface,
		       const char *slot)
{
	snprintf(out, BPF_PIN_PATH, "%s/" LINK_PREFIX "%s-%s", dir, interface, slot);
}

static int each_entry(const char *dir, const char *prefix,
		      int (*fn)(const char *path, void *context), void *context)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int err = d ? 0 : -errno;

	while (!err && (e = readdir(d))) {
		char path[BPF_PIN_PATH];

		if (e->d_name[0] == '.' || strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		map_path(path, dir, e->d_name);
		err = fn(path, context);
	}
	if (d)
		closedir(d);
	return err;
}

int bpf_pin_each_link(const char *dir, int (*fn)(const char *path, void *context), void *context)
{
	return each_entry(dir, LINK_PREFIX, fn, context);
}

static int remove_pin(const char *path, void *context)
{
	int *count = context;

	*count += !unlink(path);
	return 0;
}

int bpf_pin_clear(const char *dir)
{
	int count = 0;

	/* Links first: the programs stop before their maps go. */
	bpf_pin_each_link(dir, remove_pin, &count);
	each_entry(dir, "", remove_pin, &count);
	return count;
}

int bpf_pin_remove(const char *dir)
{
	int count = bpf_pin_clear(dir);

	rmdir(dir);
	return count;
}
