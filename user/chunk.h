#include "meter/types.h"
void chunk_merge(struct flow_counters *into, struct flow_stats *stats, struct flow_tcp *tcp, const struct flow_counters *fc, const struct flow_stats *fs, const struct flow_tcp *ft);
