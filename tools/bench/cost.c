// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the measuring of one run: starts a program, waits, prints what it cost. It is a program of
 * its own because the kernel takes the memory of whoever forks for the child's first peak: started
 * from the interpreter, nothing would seem smaller than that. Invariant: the program is gone
 * when cost is.
 */
#define _GNU_SOURCE /* unshare() */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE       2
#define EXIT_NOT_STARTED 127

static volatile sig_atomic_t child; /* pid, for the signal handler */

static void kill_child(int signal_number)
{
	(void)signal_number;
	if (child > 0)
		kill(child, SIGKILL);
}

static int raise_loopback(int fd)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	return ioctl(fd, SIOCSIFFLAGS, &request) ? -errno : 0;
}

/*
 * Moves into a network namespace whose loopback has a UDP socket that nobody reads. Datagrams pile
 * up in it and are dropped then: no ICMP error goes back, and none leaves the machine.
 * Returns the socket or a negative errno.
 */
static int enter_sink(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd, rc;

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rc = raise_loopback(fd);
	if (!rc && bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static void start(char **argv)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0)
		execvp(argv[0], argv);
	fprintf(stderr, "cost: %s: %s: install it anew\n", argv[0], strerror(errno));
	_exit(EXIT_NOT_STARTED);
}

static uint64_t elapsed_us(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec - since->tv_sec) * 1000000 +
			  (now.tv_nsec - since->tv_nsec) / 1000);
}

static uint64_t timeval_us(const struct timeval *time)
{
	return (uint64_t)(time->tv_sec * 1000000 + time->tv_usec);
}

/* Exit code, or minus the signal that ended the program. */
static int code_of(int status)
{
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int measure(char **argv, unsigned int limit_s)
{
	struct timespec began;
	struct rusage usage;
	int status;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &began);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		start(argv);
	child = pid;
	alarm(limit_s);
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return -errno;
	child = 0;
	printf("code %d user_us %llu system_us %llu wall_us %llu rss_kib %ld\n", code_of(status),
	       (unsigned long long)timeval_us(&usage.ru_utime),
	       (unsigned long long)timeval_us(&usage.ru_stime),
	       (unsigned long long)elapsed_us(&began), usage.ru_maxrss);
	return 0;
}

static void handle_signals(void)
{
	static const int signals[] = { SIGALRM, SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = kill_child };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

static int parse_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	return *text && !*end && value >= 1 && value <= max ? (int)value : -EINVAL;
}

int main(int argc, char **argv)
{
	int limit_s, port, rc;

	if (argc < 4) {
		fprintf(stderr, "usage: cost LIMIT_S SINK_PORT|- PROGRAM [ARGUMENT...]\n");
		return EXIT_USAGE;
	}
	limit_s = parse_number(argv[1], 86400);
	port = strcmp(argv[2], "-") ? parse_number(argv[2], 65535) : 0;
	if (limit_s < 0 || port < 0) {
		fprintf(stderr, "cost: %s %s: not a limit and a port: give numbers from 1\n",
			argv[1], argv[2]);
		return EXIT_USAGE;
	}
	rc = port ? enter_sink((uint16_t)port) : 0;
	if (rc < 0) {
		fprintf(stderr,
			"cost: no network namespace: %s: run as root or allow user namespaces\n",
			strerror(-rc));
		return EXIT_FAILURE;
	}
	handle_signals();
	rc = measure(argv + 3, (unsigned int)limit_s);
	if (rc)
		fprintf(stderr, "cost: cannot start a process: %s: free some\n", strerror(-rc));
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
