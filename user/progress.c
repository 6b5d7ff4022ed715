/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define REDRAW_NS 200000000ull
#define NS_PER_S  1000000000ull

void progress_init(struct progress *p, bool quiet, uint64_t total_bytes)
{
	p->shown = !quiet && isatty(STDERR_FILENO);
	p->total_bytes = total_bytes;
	p->start_ns = p->last_ns = p->shown ? monotonic_ns() : 0;
}

void progress_update(struct progress *p, uint64_t packets, uint64_t bytes)
{
	uint64_t now = p->shown ? monotonic_ns() : 0;
	double seconds = (now - p->start_ns) / (double)NS_PER_S;
	char line[128];

	if (!p->shown || now - p->last_ns < REDRAW_NS)
		return;
	p->last_ns = now;
	if (p->total_bytes && bytes && bytes <= p->total_bytes)
		snprintf(line, sizeof(line),
			 "%3.0f %%  %.1f M packets  %.2f M packets/s  %.0f s left",
			 100.0 * bytes / p->total_bytes, packets / 1e6, packets / seconds / 1e6,
			 seconds * (p->total_bytes - bytes) / bytes);
	else
		snprintf(line, sizeof(line), "%.1f M packets  %.2f M packets/s", packets / 1e6,
			 packets / seconds / 1e6);
	log_progress(line);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		log_progress(NULL);
}
