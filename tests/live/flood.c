// SPDX-License-Identifier: BSD-2-Clause
/*
 * flood: exactly N UDP packets of K flows out of an interface, and one line of JSON that says what
 * happened: {"mode":"xdp","sent":N,"bytes":..,"retries":..,"dropped":..,"seconds":..,"pps":..}.
 * sent is what the device took; dropped is what it said it took and dropped all the same (its
 * tx_dropped, less the refusals that were sent again): 0 since Linux 6.16. bytes are of frames.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flood.h"
#include "flood_device.h"
#include "flood_options.h"

#define SLICE_NS 1000000

int flood_error(int err, const char *format, ...)
{
	va_list args;

	fputs("flood: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(-err));
	return err;
}

static int pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return flood_error(-errno, "--cpu %d", cpu);
	return 0;
}

static void report(const struct flood *flood, const struct flood_mode *mode,
		   const struct flood_sent *sent, uint32_t dropped, uint64_t elapsed_ns)
{
	double seconds = elapsed_ns / 1e9;
	uint64_t packets = sent->packets - dropped;

	printf("{\"mode\":\"%s\",\"sent\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"retries\":%" PRIu64
	       ",\"dropped\":%" PRIu32 ",\"seconds\":%.6f,\"pps\":%.0f}\n",
	       mode->name, packets, packets * flood->size, sent->retries, dropped, seconds,
	       packets / seconds);
}

int main(int argc, char **argv)
{
	struct flood flood = {
		.plan.seed = 1,
		.pace.slice_ns = SLICE_NS,
		.dst_ip = 0xc6336401,
		.size = FLOOD_MIN_SIZE,
		.cpu = -1,
	};
	const struct flood_mode *mode = flood_options(argc, argv, &flood);
	struct flood_sent sent = { 0 };
	uint64_t elapsed_ns;
	uint32_t dropped;
	int err = pin(flood.cpu);

	if (!err)
		err = flood_device_open(&flood);
	if (err)
		return 1;
	dropped = flood_device_dropped(&flood);
	err = mode->send(&flood, &sent);
	if (err)
		return 1;
	elapsed_ns = flood_now_ns() - flood.pace.began_ns;
	dropped = flood_device_dropped(&flood) - dropped - sent.retries;
	report(&flood, mode, &sent, dropped, elapsed_ns);
	return 0;
}
