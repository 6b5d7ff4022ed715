/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel program, loaded: its maps, what the agent calls in it, and its part of the ledger.
 * With a pin directory the maps outlive the process, and are taken up again by the next.
 */
#ifndef USER_BPF_PROBE_H
#define USER_BPF_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "meter/event.h"
#include "meter/probe.h"

#define BPF_PROBE_RING_BYTES (32u << 20)

struct bpf_probe;

enum bpf_probe_program {
	PROBE_XDP,
	PROBE_TC,
	PROBE_TC_L3,
	PROBE_TC_OUT,
	PROBE_TC_L3_OUT,
	PROBE_PROGRAMS
};

/* For tests: another object around the same programs, and what probe_config has for them. */
struct bpf_probe_test {
	const char *object; /* file; NULL = the program itself */
	bool clock;
	bool no_grace; /* breaks the closing of entries */
	uint32_t spin;
};

/*
 * Loads the program. test is NULL outside tests. 0 or a negative errno with a bpf_probe_reason():
 * -EPERM not permitted, -EOPNOTSUPP the kernel lacks something or the filter cannot run in it,
 * -EEXIST pinned maps that other options made, -EBUSY pins in use, -ENOMEM. -EINVAL: the filter is
 * none, which was said already.
 */
int bpf_probe_open(struct bpf_probe **out, const struct config *config,
		   const struct meter_config *meter, const struct bpf_probe_test *test);
void bpf_probe_close(struct bpf_probe *p);
/* Why the last bpf_probe_open() failed: "cause; mend". */
const char *bpf_probe_reason(void);

int bpf_probe_program(const struct bpf_probe *p, enum bpf_probe_program which); /* fd */
/*
 * The same for interfaces of another namespace, which have indexes of their own: a copy of the
 * program with that namespace's number in it, on the same maps, loaded when it is first asked for.
 * So are, in our own, the programs for interfaces without link header. netns: the cookie, 0 = ours.
 * An fd, or a negative errno with a bpf_probe_reason().
 */
int bpf_probe_program_in(struct bpf_probe *p, uint64_t netns, enum bpf_probe_program which);
/* Nobody will ask for that namespace's programs again. */
void bpf_probe_leave(struct bpf_probe *p, uint64_t netns);
/* fd of any map, program of the object by its name; negative: there is none */
int bpf_probe_map(const struct bpf_probe *p, const char *name);
int bpf_probe_program_named(const struct bpf_probe *p, const char *name);
/* The filter speaks of Ethernet: no packet without such a header matches. */
bool bpf_probe_needs_ethernet(const struct bpf_probe *p);
/* The maps were there before: an agent was here. */
bool bpf_probe_adopted(const struct bpf_probe *p);
/* Shared memory with the program. */
struct control *bpf_probe_control(const struct bpf_probe *p);
struct flow_key *bpf_probe_closing(const struct bpf_probe *p); /* CLOSING_KEYS of them */
/* The kernel's part of the ledger, summed over the CPUs. 0 or negative errno. */
int bpf_probe_ledger(const struct bpf_probe *p, struct kernel_ledger *out);
/* Elements of the flow map beyond the flows that it may hold. */
uint32_t bpf_probe_reserve(void);
/* The same of any map of kernel ledgers. */
int bpf_ledger_sum(int fd, struct kernel_ledger *out);
/* What packets on interface index get; 0 or negative errno. */
int bpf_probe_name_interface(const struct bpf_probe *p, uint64_t netns, uint32_t index,
			     const struct interface_value *value);
void bpf_probe_forget_interface(const struct bpf_probe *p, uint64_t netns, uint32_t index);
/* For --dedup: whether the interface of that number counts packets. */
void bpf_probe_set_watched(const struct bpf_probe *p, uint16_t number, bool watched);

/* The programs of the same names, bpf/closing.bpf.h; 0 or negative errno. */
int bpf_probe_sweep(struct bpf_probe *p, struct sweep_args *args);
int bpf_probe_collect(struct bpf_probe *p, struct collect_args *args);
int bpf_probe_reopen(struct bpf_probe *p, struct reopen_args *args);
int bpf_probe_sate(struct bpf_probe *p, const struct sated_flow *flows, uint32_t count);
/*
 * Begins a new closing epoch and waits until no packet of the one before is in flight, some 5 to
 * 100 ms. Returns the epoch that has ended.
 */
uint32_t bpf_probe_grace(struct bpf_probe *p);

/* CPU time of the packet programs, ns; 0 unless kernel.bpf_stats_enabled. */
uint64_t bpf_probe_run_time_ns(const struct bpf_probe *p);

#endif
