/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins: code that sees flows while they are metered and adds columns to their records.
 *
 * A plugin is a shared object with a `const struct weir_plugin weir_plugin`, loaded by
 * `--plugin PATH[:key=value,...]`, or one that a program hands to weir_streamer__open(). Plugins
 * run in the order given.
 *
 * Threads: hooks of one streamer are called by the thread that reads it, one at a time; two
 * streamers may call the same plugin at once with contexts of their own. Reentrancy: a hook calls
 * no function of the library but weir_flow__record() and the getters of its result. Hooks must
 * not block: the meter waits for them.
 *
 * Ownership: packet, flow and state belong to the library. Of packet and flow nothing may be kept.
 * State is zeroed memory of flow_size bytes, aligned to 8, the flow's from on_init to on_release;
 * it may be moved (as by memcpy) between two hooks, so it must not point into itself.
 *
 * Errors: a hook that returns a negative errno disables its plugin, with a message and the counter
 * plugin.errors; no further hook but on_release and cleanup is called, and its columns keep what
 * is in the state. With --plugin-strict the run ends with an error instead.
 */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <weir/weir.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A plugin of another number is refused. */
#define WEIR_PLUGIN_ABI 1

/* TCP flags, as in the header's last byte. */
enum weir_tcp_flag {
	WEIR_FIN = 1,
	WEIR_SYN = 2,
	WEIR_RST = 4,
	WEIR_PSH = 8,
	WEIR_ACK = 16,
	WEIR_URG = 32,
	WEIR_ECE = 64,
	WEIR_CWR = 128,
};

/*
 * A packet: NFStream's NFPacket. Numbers in host byte order. A super-packet of GRO or GSO is
 * segments packets of the wire, of which sizes are the last one's.
 */
struct weir_packet {
	uint64_t time_ns;  /* since the epoch */
	uint64_t delta_ns; /* since the flow's last packet; 0 for its first or an older one */
	/* Lengths on the wire, from headers, in bytes. */
	uint32_t length;           /* of the whole packet, from the link header on */
	uint32_t ip_length;        /* of the innermost IP packet, header included */
	uint32_t transport_length; /* of what IP carries */
	uint32_t payload_length;   /* of what TCP, UDP or ICMP carries */
	uint32_t capture_length;   /* bytes that are in raw */
	uint32_t segments;
	const uint8_t *raw; /* from the innermost IP header on; NULL: the bytes are not needed */
	uint64_t nfhash;    /* as the column */
	uint8_t src_ip[16]; /* of this packet's sender; IPv4 as ::ffff:a.b.c.d */
	uint8_t dst_ip[16];
	uint16_t src_port, dst_port;
	uint16_t vlan_id;
	uint8_t protocol;
	uint8_t version;   /* 4 or 6 */
	uint8_t tcp_flags; /* enum weir_tcp_flag; 0 unless TCP */
	uint8_t direction; /* 0: from the flow's source, 1: from its destination */
	uint8_t tunnel_id; /* as the column */
	uint8_t reserved;
	uint32_t full_length; /* length of the segments before the last one; of one: length */
};

/* A live flow. The library changes what is not said to be the plugin's. */
struct weir_flow {
	uint64_t flow_id;
	uint64_t packets[2], bytes[2]; /* by direction, this packet included */
	uint64_t first_ns, last_ns;    /* since the epoch */
	/*
	 * The plugin's: negative ends the flow, the packet at hand included, and the next one
	 * begins a new flow; it becomes the record's expiration_id. A flow of which plugins see
	 * only the first packets on a watched interface ends when the kernel's numbers come. In
	 * on_expire it is the reason (0 idle or other, 1 active cut, or negative).
	 */
	int32_t expiration_id;
	uint8_t protocol;
	uint8_t reserved[3];
	struct weir_flow_private *priv; /* the library's */
};

/*
 * Every column of the flow as it is now, as if it ended. Valid until the hook returns. Names of
 * applications are the dissector's so far. NULL: out of memory.
 */
WEIR_API const struct weir_record *weir_flow__record(struct weir_flow *flow);

/* How a column's value lies in the state. */
enum weir_storage {
	WEIR_STORE_U8 = 1,
	WEIR_STORE_U16,
	WEIR_STORE_U32,
	WEIR_STORE_U64,
	WEIR_STORE_I32,
	WEIR_STORE_I64,
	WEIR_STORE_DOUBLE,
	WEIR_STORE_CHARS, /* char[], with its 0 byte; bytes of a packet may stand in it */
	/* const char *, NULL = "": the plugin's, alive until on_release. */
	WEIR_STORE_STRING,
};

struct weir_plugin_column {
	const char *name; /* letters, digits, "_" and ".", beginning with a letter */
	const char *unit; /* "" = none */
	const char *help; /* one line */
	enum weir_storage storage;
	uint32_t offset; /* of the value in the state */
};

struct weir_plugin_option {
	const char *key, *value; /* value "" where none was given */
};

/* What open() is told. */
struct weir_plugin_args {
	size_t sz;
	const struct weir_plugin_option *options; /* count of them, borrowed for the call */
	size_t count;
	void *data; /* plugin_data of weir_streamer_opts, else NULL */
	/* Room for a message when open() refuses: "limit: \"x\" is no number". */
	char *why;
	size_t why_size;
	/* The plugin's packets, see below: open() may set it to what the options ask for. */
	uint32_t *packets;
};

/* packets: how many of a flow's first packets the plugin asks for, with their bytes. */
#define WEIR_EVERY_PACKET UINT32_MAX

/* Hooks may be NULL. Those with int return 0 or a negative errno. */
struct weir_plugin {
	uint32_t abi; /* WEIR_PLUGIN_ABI */
	/*
	 * A plugin sees at least this many first packets of each flow, and more if others ask for
	 * more. With WEIR_EVERY_PACKET an interface sends every packet to the agent, which costs as
	 * much as capturing them (weir(8)).
	 */
	uint32_t packets;
	const char *name; /* tells it apart in messages */
	const char *version;
	uint32_t flow_size; /* of the state, in bytes; 0 = none */
	uint32_t column_count;
	const struct weir_plugin_column *columns;

	/* Once, before anything else; *context is handed to every other hook. */
	int (*open)(void **context, const struct weir_plugin_args *args);
	/* The flow's first packet has come, and is counted. */
	int (*on_init)(void *context, void *state, const struct weir_packet *packet,
		       struct weir_flow *flow);
	/*
	 * One more packet was counted. packet NULL: packets that plugins were not shown have been
	 * counted into the flow (once, before on_expire).
	 */
	int (*on_update)(void *context, void *state, const struct weir_packet *packet,
			 struct weir_flow *flow);
	/* The flow has ended: the columns are read after this. */
	int (*on_expire)(void *context, void *state, struct weir_flow *flow);
	/* The record is written: what the state owns is freed. For each on_init. */
	void (*on_release)(void *context, void *state);
	/* Last of all, if open() was successful. */
	void (*cleanup)(void *context);
};

/* What a shared object defines: declared, so that C++ and hidden visibility export it too. */
extern WEIR_API const struct weir_plugin weir_plugin;

#ifdef __cplusplus
}
#endif

#endif
