/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs cost the verifier: instructions it looked at, which it refuses from a million
 * on, for the cheapest and the dearest settings. A bound is twice what was measured on Linux 6.18,
 * so that growth is noticed here long before a kernel refuses the program. Prints TAP.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf_probe.h"
#include "options.h"

struct bound {
	const char *program;
	uint32_t plain, all;
};

static const struct bound bounds[] = {
	{ "weir_xdp", 17000, 36000 },    { "weir_tc", 28000, 70000 },
	{ "weir_tc_out", 28000, 70000 }, { "weir_tc_l3", 20000, 40000 },
	{ "sweep", 2000, 2700 },         { "collect", 7000, 8000 },
	{ "reopen", 500, 1000 },         { "sate", 500, 500 },
};

static int count, failed;

static void check(const struct bpf_probe *probe, const char *settings, const struct bound *b,
		  uint32_t bound)
{
	int fd = bpf_probe_program_named(probe, b->program);
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	bool good = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.verified_insns &&
		    info.verified_insns <= bound;

	failed |= !good;
	printf("%sok %d - verifier %s, %s: %u instructions verified of at most %u, %u long\n",
	       good ? "" : "not ", ++count, b->program, settings, info.verified_insns, bound,
	       info.xlated_prog_len / 8);
}

static void check_all(const char *settings, bool all)
{
	const char *argv[] = { "weir",
			       "-i",
			       "lo",
			       "-i",
			       "none",
			       "--hook",
			       "xdp",
			       all ? "--filter" : "--quiet",
			       all ? "tcp" : NULL,
			       all ? "--dedup" : NULL,
			       NULL };
	const struct bpf_probe_test every_program = { 0 };
	struct bpf_probe *probe;
	struct config config;
	struct meter_config meter = { 0 };
	enum options_action action;

	if (options_parse(&config, all ? 10 : 8, (char **)argv, &action))
		return;
	meter.idle_ns = config.idle_ns;
	meter.active_ns = config.active_ns;
	meter.tunnels = all ? config.tunnels & ~1u << 1 : config.tunnels;
	meter.first_tcp = meter.first_udp = 16;
	meter.stats = meter.tcp = meter.tcp_end = all;
	if (bpf_probe_open(&probe, &config, &meter, &every_program)) {
		failed = 1;
		printf("not ok %d - verifier %s: %s\n", ++count, settings, bpf_probe_reason());
	} else {
		for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
			check(probe, settings, &bounds[i], all ? bounds[i].all : bounds[i].plain);
	}
	bpf_probe_close(probe);
	config_free(&config);
}

int main(void)
{
	check_all("counters", false);
	check_all("everything counted once, filtered", true);
	printf("1..%d\n", count);
	return failed;
}
