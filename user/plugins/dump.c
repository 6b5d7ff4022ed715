/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes each flow's packets into a capture file of its own, dir/flow-ID.pcap: dir=DIR is there and
 * holds none of another run. packets=N writes the first N packets of a flow, rotate=N begins
 * another file, flow-ID.1.pcap and so on, before one has more than N bytes, and max-files=N bounds
 * the files that are open at once (256): the one that was written least recently is closed, and
 * opened again when it is needed.
 *
 * Packets begin with their IP header (LINKTYPE_RAW) and are written at once, so that a file is
 * never behind the flow. A packet that finds no room on the disk leaves no part of it behind.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "plugin_options.h"
#include "plugin_packet.h"

#define OTHER_FILES   32 /* that weir itself has open */
#define DEFAULT_FILES 256
#define OTHER_FILES   32 /* that weir itself has open */
#define MAX_FILES     65536
#define MAX_NAME      48
#define NS_PER_S      1000000000u

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy;
	uint32_t snaplen;
	uint32_t link_type;
};
_Static_assert(sizeof(struct pcap_header) == 24, "as in the file");

struct pcap_record {
	uint32_t seconds, nanoseconds;
	uint32_t captured, length; /* bytes */
};
_Static_assert(sizeof(struct pcap_record) == 16, "as in the file");

static const struct pcap_header pcap_header = {
	.magic = 0xa1b23c4d, /* nanoseconds, byte order of the host */
	.major = 2,
	.minor = 4,
	.snaplen = 262144,
	.link_type = 101, /* LINKTYPE_RAW */
};

/* A place for an open file, in a ring from the one used last to the one used least recently. */
struct slot {
	int fd;         /* -1 = free */
	uint64_t owner; /* 1 + flow id */
	uint32_t newer, older;
};

struct dump {
	int dir;
	uint64_t packets; /* of a flow; WEIR_EVERY_PACKET = all */
	uint64_t rotate;  /* bytes of a file; 0 = no bound */
	uint64_t slots;
	uint32_t newest;
	struct slot *slot;
};

struct dump_state {
	char name[MAX_NAME]; /* of the first file */
	uint64_t packets;
	uint64_t owner; /* 0 = nothing was written */
	uint64_t bytes; /* of the file at hand */
	uint32_t files;
	uint32_t slot; /* the flow's if that has the same owner */
};

static const struct weir_plugin_column dump_columns[] = {
	{ "dump_file", "", "file with the flow's packets, the first of dump_files",
	  WEIR_STORE_CHARS, offsetof(struct dump_state, name) },
	{ "dump_files", "", "files with the flow's packets", WEIR_STORE_U32,
	  offsetof(struct dump_state, files) },
	{ "dump_packets", "packets", "packets of the flow that were written", WEIR_STORE_U64,
	  offsetof(struct dump_state, packets) },
};

/* --- opening ---------------------------------------------------------------------------------- */

static int dump_option(struct dump *d, const struct weir_plugin_args *args,
		       const struct weir_plugin_option *o, const char **path)
{
	if (option_is(o, "dir")) {
		*path = o->value;
		return 0;
	}
	if (option_is(o, "packets"))
		return option_number(args, o, 0, UINT32_MAX, &d->packets);
	if (option_is(o, "rotate"))
		return option_number(args, o, 0, UINT64_MAX, &d->rotate);
	if (option_is(o, "max-files"))
		return option_number(args, o, 1, MAX_FILES, &d->slots);
	return option_unknown(args, o, "dir, packets, rotate, max-files");
}

static bool is_ours(const char *name)
{
	return !strncmp(name, "flow-", 5) && strstr(name, ".pcap");
}

static bool holds_ours(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool found = false;

	if (!listing && copy >= 0)
		close(copy);
	while (listing && !found && (entry = readdir(listing)))
		found = is_ours(entry->d_name);
	if (listing)
		closedir(listing);
	return found;
}

static int open_dir(struct dump *d, const struct weir_plugin_args *args, const char *path)
{
	if (!path || !*path)
		return option_refuse(args, "dir is missing, as in dir=/var/tmp/flows");
	d->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0 || faccessat(d->dir, ".", W_OK | X_OK, AT_EACCESS))
		return option_refuse(args, "dir: %.120s: %s", path, strerror(errno));
	if (holds_ours(d->dir))
		return option_refuse(args, "dir: %.120s holds flow-*.pcap of another run", path);
	return 0;
}

static int make_slots(struct dump *d)
{
	d->slot = calloc(d->slots, sizeof(*d->slot));
	if (!d->slot)
		return -ENOMEM;
	for (uint64_t i = 0; i < d->slots; i++)
		d->slot[i] = (struct slot){
			.fd = -1,
			.newer = (i + d->slots - 1) % d->slots,
			.older = (i + 1) % d->slots,
		};
	return 0;
}

static void dump_cleanup(void *context)
{
	struct dump *d = context;

	for (uint64_t i = 0; d->slot && i < d->slots; i++)
		if (d->slot[i].fd >= 0)
			close(d->slot[i].fd);
	if (d->dir >= 0)
		close(d->dir);
	free(d->slot);
	free(d);
}

/* Said now, not when the first file too many disables the plugin. */
static int check_files(const struct dump *d, const struct weir_plugin_args *args)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= d->slots + OTHER_FILES)
		return 0;
	return option_refuse(args,
			     "max-files: %" PRIu64 " files at once are more than the %" PRIu64
			     " that the process may open; raise that (ulimit -n) or lower it",
			     d->slots, (uint64_t)limit.rlim_cur);
}

static int dump_open(void **context, const struct weir_plugin_args *args)
{
	struct dump *d = malloc(sizeof(*d));
	const char *path = NULL;
	int err = 0;

	if (!d)
		return -ENOMEM;
	*d = (struct dump){ .dir = -1, .slots = DEFAULT_FILES };
	for (size_t i = 0; i < args->count && !err; i++)
		err = dump_option(d, args, &args->options[i], &path);
	if (!err)
		err = check_files(d, args);
	if (!err)
		err = open_dir(d, args, path);
	if (!err)
		err = make_slots(d);
	if (err) {
		dump_cleanup(d);
		return err;
	}
	if (!d->packets)
		d->packets = WEIR_EVERY_PACKET;
	*args->packets = d->packets;
	*context = d;
	return 0;
}

/* --- open files ------------------------------------------------------------------------------- */

static struct slot *slot_of(const struct dump *d, const struct dump_state *s)
{
	struct slot *slot = &d->slot[s->slot];

	return s->owner && slot->owner == s->owner && slot->fd >= 0 ? slot : NULL;
}

static void slot_use(struct dump *d, uint32_t number)
{
	struct slot *slot = &d->slot[number], *newest = &d->slot[d->newest];

	if (number == d->newest)
		return;
	d->slot[slot->newer].older = slot->older;
	d->slot[slot->older].newer = slot->newer;
	slot->older = d->newest;
	slot->newer = newest->newer;
	d->slot[newest->newer].older = number;
	newest->newer = number;
	d->newest = number;
}

/* The next to be taken. Some file systems tell only here that there was no room. */
static int slot_close(struct dump *d, struct slot *slot)
{
	int err = slot->fd >= 0 && close(slot->fd) ? -errno : 0;

	slot->fd = -1;
	slot->owner = 0;
	slot_use(d, slot - d->slot);
	d->newest = slot->older;
	return err;
}

static void file_name(const struct dump_state *s, char name[MAX_NAME])
{
	unsigned long long id = s->owner - 1;

	if (s->files == 1)
		snprintf(name, MAX_NAME, "flow-%llu.pcap", id);
	else
		snprintf(name, MAX_NAME, "flow-%llu.%u.pcap", id, s->files - 1);
}

/* In the place of the file that was used least recently. */
static int file_open(struct dump *d, struct dump_state *s, const char *name, int flags)
{
	uint32_t number = d->slot[d->newest].newer;
	struct slot *slot = &d->slot[number];
	int err = slot_close(d, slot);

	if (err)
		return err;
	slot->fd = openat(d->dir, name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (slot->fd < 0)
		return -errno;
	slot->owner = s->owner;
	s->slot = number;
	slot_use(d, number);
	return 0;
}

static int file_reopen(struct dump *d, struct dump_state *s)
{
	char name[MAX_NAME];

	file_name(s, name);
	return file_open(d, s, name, 0);
}

/* All of it or nothing. */
static int file_append(struct dump *d, struct dump_state *s, const struct iovec *parts, int count)
{
	int fd = d->slot[s->slot].fd;
	ssize_t wanted = 0, n;
	int err = 0;

	for (int i = 0; i < count; i++)
		wanted += parts[i].iov_len;
	do
		n = writev(fd, parts, count);
	while (n < 0 && errno == EINTR);
	if (n == wanted) {
		s->bytes += n;
		return 0;
	}
	err = n < 0 ? -errno : -ENOSPC;
	return n > 0 && ftruncate(fd, s->bytes) ? -errno : err;
}

static int file_begin(struct dump *d, struct dump_state *s)
{
	const struct iovec header = { (void *)&pcap_header, sizeof(pcap_header) };
	char name[MAX_NAME];
	int err;

	s->files++;
	s->bytes = 0;
	file_name(s, name);
	err = file_open(d, s, name, O_CREAT | O_EXCL);
	if (!err) {
		err = file_append(d, s, &header, 1);
		if (err)
			unlinkat(d->dir, name, 0);
	}
	if (err)
		s->files--;
	else if (s->files == 1)
		memcpy(s->name, name, sizeof(s->name));
	return err;
}

/* The flow's file, with room for so many bytes. */
static int file_ready(struct dump *d, struct dump_state *s, const struct weir_flow *flow,
		      uint64_t bytes)
{
	struct slot *slot = slot_of(d, s);

	if (!s->owner) {
		s->owner = flow->flow_id + 1;
		return file_begin(d, s);
	}
	if (d->rotate && s->bytes > sizeof(pcap_header) &&
	    (s->bytes > d->rotate || bytes > d->rotate - s->bytes)) {
		int err = slot ? slot_close(d, slot) : 0;

		return err ? err : file_begin(d, s);
	}
	if (!slot)
		return file_reopen(d, s);
	slot_use(d, s->slot);
	return 0;
}

/* --- hooks ------------------------------------------------------------------------------------ */

static uint32_t captured_bytes(const struct weir_packet *p)
{
	bool padded = p->segments <= 1 && p->capture_length > p->ip_length;

	return padded ? p->ip_length : p->capture_length;
}

/* Of the IP packet; a super-packet has its headers once. */
static uint32_t whole_bytes(const struct weir_packet *p, uint32_t captured)
{
	uint64_t full = (uint64_t)p->payload_length + p->full_length - p->length;
	uint64_t whole = p->ip_length + (p->segments > 1 ? (p->segments - 1) * full : 0);

	if (whole > UINT32_MAX)
		whole = UINT32_MAX;
	return whole > captured ? whole : captured;
}

static int write_packet(struct dump *d, struct dump_state *s, const struct weir_packet *packet,
			const struct weir_flow *flow)
{
	uint32_t captured = captured_bytes(packet);
	struct pcap_record record = {
		.seconds = packet->time_ns / NS_PER_S,
		.nanoseconds = packet->time_ns % NS_PER_S,
		.captured = captured,
		.length = whole_bytes(packet, captured),
	};
	const struct iovec parts[] = {
		{ &record, sizeof(record) },
		{ (void *)packet->raw, captured },
	};
	int err = file_ready(d, s, flow, sizeof(record) + captured);

	if (!err)
		err = file_append(d, s, parts, 2);
	s->packets += !err;
	return err;
}

static int dump_packet(void *context, void *state, const struct weir_packet *packet,
		       struct weir_flow *flow)
{
	if (!packet || !packet->raw ||
	    !packet_is_among(packet, flow, ((struct dump *)context)->packets))
		return 0;
	return write_packet(context, state, packet, flow);
}

static int dump_expire(void *context, void *state, struct weir_flow *flow)
{
	struct slot *slot = slot_of(context, state);

	(void)flow;
	return slot ? slot_close(context, slot) : 0;
}

/* Still open when another file's error has disabled the plugin. */
static void dump_release(void *context, void *state)
{
	struct slot *slot = slot_of(context, state);

	if (slot)
		slot_close(context, slot);
}

const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = WEIR_EVERY_PACKET,
	.name = "dump",
	.version = "1",
	.flow_size = sizeof(struct dump_state),
	.column_count = sizeof(dump_columns) / sizeof(dump_columns[0]),
	.columns = dump_columns,
	.open = dump_open,
	.on_init = dump_packet,
	.on_update = dump_packet,
	.on_expire = dump_expire,
	.on_release = dump_release,
	.cleanup = dump_cleanup,
};
