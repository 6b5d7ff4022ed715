/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libweir: flow records from capture files and interfaces.
 *
 * Errors are negative errno values; weir_last_error() has the words. Nothing is printed and no
 * signal handler is installed; a thread is started for the metrics setting alone, and takes no
 * signals. A streamer is used by one thread at a time, but different streamers
 * by different threads at once; only weir_streamer__stop() may be called from anywhere.
 * Pointers that a function returns are borrowed, and it says for how long.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API
#endif

struct weir_streamer; /* a source, its flows, and the records that come out */
struct weir_record;   /* a finished flow; with weir_flow__record() a live one */
struct weir_plugin;   /* <weir/plugin.h> */

/* "0.1.0": of the library that is running. */
WEIR_API const char *weir_version(void);

/*
 * What went wrong last in this thread: "what: why; mend", one line without the line end. "" when
 * nothing has. Valid until the thread's next call of the library.
 */
WEIR_API const char *weir_last_error(void);

/* --- opening -------------------------------------------------------------------------------- */

enum weir_log_level { WEIR_LOG_ERROR, WEIR_LOG_WARNING };

/*
 * Set sz to sizeof(struct weir_streamer_opts) and everything else that is not used to zero: fields
 * will be added at the end, and an older program goes on working. Strings are copied.
 */
struct weir_streamer_opts {
	size_t sz;
	/* A capture file ("-" is stdin) if one has that name, else an interface; or NULL. */
	const char *source;
	/*
	 * "name=value" strings up to a NULL: the options of the weir command by their long names
	 * (weir --help-all, weir(8)); a flag may stand alone. Lists (read, interface, plugin,
	 * output) may come several times. Neither configuration file nor environment is looked at.
	 */
	const char *const *settings;
	/*
	 * The words of a weir command line, argv[0] first, as the command itself hands them over;
	 * with them the file of --config and WEIR_* variables count too. argc 0 = none.
	 */
	int argc;
	char *const *argv;
	/* Called with each message, in the thread that calls the library; or NULL. */
	void (*log)(void *context, enum weir_log_level level, const char *message);
	void *log_context;
	/*
	 * Plugins of the program itself, up to a NULL, run in front of those of the plugin setting.
	 * Borrowed until weir_streamer__free(). Each one's open() gets plugin_data[i], if that is
	 * not NULL.
	 */
	const struct weir_plugin *const *plugins;
	void *const *plugin_data;
};

/*
 * Opens sources and plugins; the kernel watches interfaces from here on. *out is the caller's, to
 * free with weir_streamer__free(), and NULL after an error: -EINVAL for settings that make no sense
 * (an unknown option, value, column, filter), else what the system said.
 */
WEIR_API int weir_streamer__open(struct weir_streamer **out, const struct weir_streamer_opts *opts);

/*
 * The value of a setting as text, whatever it came from: "true", "30", "csv:-"; times in seconds,
 * lists by commas, "" for none. Returns its length, as snprintf() does, or -ENOENT.
 */
WEIR_API int weir_streamer__setting(const struct weir_streamer *s, const char *name, char *buffer,
				    size_t size);

/* Ends at once: what was not read is dropped, and nothing stays attached. NULL is allowed. */
WEIR_API void weir_streamer__free(struct weir_streamer *s);

/* --- records -------------------------------------------------------------------------------- */

/*
 * The next finished flow. 1: *record is it, valid until the next call for this streamer. 0: the
 * source has ended and every record was given. -EAGAIN: none came within timeout_ms (-1 = wait,
 * 0 = do what there is to do, without waiting). Another error is told once, after the records of
 * what was read before it.
 */
WEIR_API int weir_streamer__next(struct weir_streamer *s, const struct weir_record **record,
				 int timeout_ms);

/*
 * For poll(2) and its like: readable when weir_streamer__next() with a timeout of 0 has something
 * to do. Never read from it. Valid until weir_streamer__free().
 */
WEIR_API int weir_streamer__fd(struct weir_streamer *s);

/*
 * Asks the source to end as SIGINT does the command: what is in flows comes as records yet, then
 * the streamer ends. From any thread and from a signal handler.
 */
WEIR_API void weir_streamer__stop(struct weir_streamer *s);

/*
 * Instead of weir_streamer__next(): writes records to the outputs of the output setting, for about
 * timeout_ms (at least one step). 1: there is more to come; 0: everything is written and closed; or
 * an error. -EPIPE: who reads the output has seen enough.
 */
WEIR_API int weir_streamer__write(struct weir_streamer *s, int timeout_ms);

/*
 * Between two calls of weir_streamer__write(), as the command does at SIGHUP: writes what was held
 * back; an output file that was moved away or removed meanwhile is followed by a new one of its
 * name, with a header of its own, at the next record. Files that are in place and networks go on.
 * 0, or the error, which weir_streamer__write() tells again.
 */
WEIR_API int weir_streamer__reopen(struct weir_streamer *s);

/*
 * Many records in one call, for bindings: rows of 8 bytes a column, in host byte order, each row
 * padded to 8 bytes and preceded by its length (uint64_t, without itself). What does not fit 8
 * bytes lies behind the row's columns, which hold its offset from the row's start (low 32 bits) and
 * length (high 32 bits):
 *   WEIR_UINT, WEIR_INT, WEIR_DOUBLE   the value
 *   WEIR_TEXT, WEIR_ADDRESS, WEIR_MAC  place of the text, UTF-8 not guaranteed, no 0 byte
 *   WEIR_UINT128                       place of 16 bytes, most significant first
 *   WEIR_LIST                          place of int64_t values
 * and WEIR_ABSENT stands for a value that is not known. Returns how many rows were written to
 * buffer, with their bytes in *used; 0, -EAGAIN and errors are as of weir_streamer__next(), and
 * -ENOSPC tells that size (a multiple of 8) is too small for one row: WEIR_ROW_MAX
 * does, but for plugins with texts of hundreds of KiB.
 */
WEIR_API int weir_streamer__next_rows(struct weir_streamer *s, void *buffer, size_t size,
				      size_t *used, int timeout_ms);

/* One record as such a row, without the length in front: its bytes, or -ENOSPC. */
WEIR_API int weir_record__row(const struct weir_record *r, void *buffer, size_t size);

#define WEIR_ROW_MAX (2u << 20)
#define WEIR_ABSENT  INT64_MIN

/* --- columns -------------------------------------------------------------------------------- */

enum weir_type {
	WEIR_UINT,    /* up to 64 bits */
	WEIR_INT,     /* up to 64 bits */
	WEIR_DOUBLE,  /* */
	WEIR_TEXT,    /* */
	WEIR_ADDRESS, /* IPv4 or IPv6 */
	WEIR_MAC,     /* a link address, or its first three bytes */
	WEIR_UINT128, /* an address as a number */
	WEIR_LIST,    /* of WEIR_INT */
};

struct weir_column {
	const char *name;
	const char *unit; /* "ms", "bytes" ...; "" = none */
	const char *help; /* one line */
	enum weir_type type;
	uint32_t ipfix_enterprise, ipfix_id; /* information element; id 0 = none */
};

/*
 * The columns of this streamer's records, in order: those of the profile or fields setting, then
 * the plugins'. A column's id is its place. Only these are computed. Valid as long as the streamer.
 */
WEIR_API size_t weir_streamer__column_count(const struct weir_streamer *s);
/* NULL: no such id. */
WEIR_API const struct weir_column *weir_streamer__column(const struct weir_streamer *s, int id);
/* The id, or -ENOENT. */
WEIR_API int weir_streamer__column_id(const struct weir_streamer *s, const char *name);

/*
 * Values by id. Each returns 0, -ENOENT for an id that is none, -EINVAL for a type that does not
 * fit, -ENODATA for a value that is not known. u64 reads WEIR_UINT and what is not negative of
 * WEIR_INT; i64 reads WEIR_INT and what fits of WEIR_UINT; f64 reads all three kinds of numbers.
 */
WEIR_API int weir_record__u64(const struct weir_record *r, int id, uint64_t *value);
WEIR_API int weir_record__i64(const struct weir_record *r, int id, int64_t *value);
WEIR_API int weir_record__f64(const struct weir_record *r, int id, double *value);
/* Of WEIR_TEXT; valid as long as the record. */
WEIR_API int weir_record__text(const struct weir_record *r, int id, const char **value);
/* Of WEIR_LIST: *count values, valid until the next call for this record. */
WEIR_API int weir_record__list(const struct weir_record *r, int id, const int64_t **values,
			       size_t *count);
/*
 * Any value as CSV shows it, without quotes; "" if it is not known. Returns its length, as
 * snprintf() does when size is too small, or -ENOENT.
 */
WEIR_API int weir_record__format(const struct weir_record *r, int id, char *buffer, size_t size);

/* The id in the record's streamer, or -ENOENT: getters by name are weir_record__u64(r, id ...). */
WEIR_API int weir_record__id(const struct weir_record *r, const char *name);

/* --- what happened ---------------------------------------------------------------------------- */

/*
 * The accounting of packets, as --summary: seen = metered + ignored + filtered + lost, each by
 * reason. Names are those of the summary ("lost.ring_full"); NULL beyond the last one.
 */
WEIR_API const char *weir_counter_name(size_t i);
/* A counter now, by its place or name; UINT64_MAX: there is none. */
WEIR_API uint64_t weir_streamer__counter(const struct weir_streamer *s, size_t i);
WEIR_API uint64_t weir_streamer__counter_by_name(const struct weir_streamer *s, const char *name);

/* All of them at one moment: the first count into values. Returns how many there are. */
WEIR_API size_t weir_streamer__counters(const struct weir_streamer *s, uint64_t *values,
					size_t count);

/* Set sz to sizeof(struct weir_status). Gauges, not counters. */
struct weir_status {
	size_t sz;
	uint64_t live_flows;               /* in the agent's table */
	uint64_t map_entries, map_max;     /* of the kernel's flow map; 0 without it */
	uint64_t bpf_run_ns;               /* needs kernel.bpf_stats_enabled */
	uint64_t source_bytes, read_bytes; /* sizes of the files (0: not known), and read so far */
	uint64_t ring_used_bytes, ring_bytes; /* of the ring from the kernel; 0 without it */
};
WEIR_API int weir_streamer__status(const struct weir_streamer *s, struct weir_status *status);

#ifdef __cplusplus
}
#endif

#endif
