#include <stdint.h>
#include <string.h>
#include "chunk.h"
#include "meter/meter.h"
void chunk_merge(struct flow_counters *into, struct flow_stats *stats, struct flow_tcp *tcp, const struct flow_counters *fc, const struct flow_stats *fs, const struct flow_tcp *ft)
{
 if (meter_is_empty(into)) { uint8_t a = into->appetite; *into = *fc; into->appetite = a; into->state=0; if (stats) *stats=*fs; if (tcp) *tcp=*ft; return; }
 for (int d=0; d<2; d++) { if(!fc->dir[d].packets) continue; into->dir[d].packets+=fc->dir[d].packets; into->dir[d].bytes+=fc->dir[d].bytes; if (!into->dir[d].first_ns || fc->dir[d].first_ns<into->dir[d].first_ns) into->dir[d].first_ns=fc->dir[d].first_ns; if (fc->dir[d].last_ns>into->dir[d].last_ns) into->dir[d].last_ns=fc->dir[d].last_ns; into->dir[d].tcp_flags|=fc->dir[d].tcp_flags; }
 into->emitted += fc->emitted;
}
