/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf_reason.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "capabilities.h"

#define FILES_AT_LEAST 32 /* fewer are not enough for the programs, their maps and one interface */

static _Thread_local char reason[512];
static _Thread_local char
	warnings[16384]; /* the newest of libbpf's; the verifier's log may be among them */

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = strlen(warnings);
	char line[4096];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	if (used + strlen(line) >= sizeof(warnings))
		used = 0;
	snprintf(warnings + used, sizeof(warnings) - used, "%s", line);
	return 0;
}

void bpf_reason_begin(void)
{
	libbpf_set_print(keep_warning);
	reason[0] = warnings[0] = '\0';
}

int bpf_reason(int err, const char *cause, const char *mend_format, ...)
{
	int n = snprintf(reason, sizeof(reason), "%s; ", cause);
	va_list args;

	if (n < 0 || (size_t)n >= sizeof(reason))
		return err;
	va_start(args, mend_format);
	vsnprintf(reason + n, sizeof(reason) - n, mend_format, args);
	va_end(args);
	return err;
}

const char *bpf_reason_text(void)
{
	return reason;
}

/* Whether the kernel's lockdown is on: the first line names the mode in brackets. */
static bool is_locked_down(void)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "r");
	bool locked;

	if (!f)
		return false;
	locked = fgets(text, sizeof(text), f) && strstr(text, "[confidentiality]");
	fclose(f);
	return locked;
}

static int no_permission(void)
{
	char missing[64], cause[128];

	if (is_locked_down())
		return bpf_reason(-EPERM, "the kernel is locked down (confidentiality) against BPF",
				  "use --hook pcap");
	if (!*capabilities_missing(CAPABILITIES_BPF, missing, sizeof(missing)))
		return bpf_reason(
			-EPERM, "loading BPF programs is not permitted",
			"no capability is missing, so a seccomp profile, a security module "
			"or a user namespace forbids it: allow bpf(2), or use --hook pcap");
	snprintf(cause, sizeof(cause), "loading BPF programs is not permitted without %s", missing);
	return bpf_reason(
		-EPERM, cause,
		"run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or use --hook pcap");
}

static int filter_refused(const struct config *config)
{
	return bpf_reason(-EOPNOTSUPP, "the kernel's verifier refuses the filter",
			  "\"%s\" needs --hook pcap", config->filter);
}

/* libbpf tries what the kernel has, and takes a trial that found no file to open for a no. */
static bool has_few_files(void)
{
	struct rlimit files;

	return !getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < FILES_AT_LEAST;
}

int bpf_reason_load(int err, const struct config *config)
{
	bool verifier = strstr(warnings, "BEGIN PROG LOAD LOG");
	char missing[64];

	switch (-err) {
	case EPERM: return no_permission();
	case EACCES: /* the verifier, of what needs CAP_PERFMON and of wrong programs */
		if (*capabilities_missing(CAPABILITIES_BPF, missing, sizeof(missing)))
			return no_permission();
		break;
	case ENOSYS:
		return bpf_reason(-EOPNOTSUPP, "this kernel has no BPF",
				  "use --hook pcap, or a kernel with CONFIG_BPF_SYSCALL");
	case EMFILE:
	case ENFILE: return bpf_reason(err, strerror(-err), BPF_REASON_FILES);
	case ENOMEM:
	case E2BIG:
		if (!verifier)
			return bpf_reason(-ENOMEM, "the kernel refuses memory for the flow map",
					  "lower --map-entries (%lu)",
					  (unsigned long)config->map_entries);
		break;
	}
	if (has_few_files())
		return bpf_reason(-EMFILE, strerror(EMFILE), BPF_REASON_FILES);
	if (verifier && config->filter && *config->filter)
		return filter_refused(config);
	if (strstr(warnings, "ringbuf") || strstr(warnings, "'events'"))
		return bpf_reason(-EOPNOTSUPP, "this kernel has no BPF ring buffer",
				  "Linux 6.1 or later is needed; use --hook pcap");
	return bpf_reason(-EOPNOTSUPP, "the kernel refuses the program",
			  "Linux 6.1 or later is needed (%s); use --hook pcap", strerror(-err));
}
