/* SPDX-License-Identifier: BSD-2-Clause */
#include "capabilities.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	int number;
	bool of_admin;     /* CAP_SYS_ADMIN is as good */
	unsigned int what; /* enum capabilities_for, several */
} needed[] = {
	{ "CAP_BPF", CAP_BPF, true, CAPABILITIES_BPF },
	{ "CAP_NET_ADMIN", CAP_NET_ADMIN, false, CAPABILITIES_BPF | CAPABILITIES_NETNS },
	{ "CAP_PERFMON", CAP_PERFMON, true, CAPABILITIES_BPF },
	{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN, false, CAPABILITIES_NETNS },
	{ "CAP_NET_BROADCAST", CAP_NET_BROADCAST, false, CAPABILITIES_NETNS },
};

/* A bit by number; none if the kernel does not tell. */
static uint64_t effective(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static bool has(uint64_t set, int number)
{
	return set >> number & 1;
}

const char *capabilities_missing(enum capabilities_for what, char *text, size_t size)
{
	uint64_t set = effective();

	*text = '\0';
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		size_t used = strlen(text);

		if (!(needed[i].what & what) || has(set, needed[i].number) ||
		    (needed[i].of_admin && has(set, CAP_SYS_ADMIN)))
			continue;
		snprintf(text + used, size - used, "%s%s", used ? " and " : "", needed[i].name);
	}
	return text;
}
