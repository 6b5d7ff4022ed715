// SPDX-License-Identifier: BSD-2-Clause
/* The command line of flood. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flood.h"
#include "flood_options.h"

static const char help[] =
	"usage: flood --mode MODE --dev NAME --dst-mac MAC --flows K --packets N [OPTION...]\n"
	"Sends exactly N UDP packets of K flows and prints one line of JSON. Flow i comes from\n"
	"10.0.0.0 + i, port 1024 + i modulo 60000. A packet that is refused is sent again.\n"
	"  --mode xdp       live frames of a BPF test run; the peer needs native XDP or GRO\n"
	"  --mode afxdp     an AF_XDP socket in copy mode\n"
	"  --mode packet    AF_PACKET; the only one that passes the own TC egress\n"
	"  --dst-ip A       198.51.100.1, which nobody is, so that nobody answers\n"
	"  --size B         bytes of a frame, 60 to 1514 (60)\n"
	"  --order ORDER    round: packet n is of flow n modulo K (default); random\n"
	"  --seed S         of the random order (1)\n"
	"  --rate PPS       packets a second (0: as fast as they go)\n"
	"  --cpu C          run on this CPU alone\n";

static const struct flood_mode modes[] = {
	{ "xdp", flood_xdp },
	{ "afxdp", flood_afxdp },
	{ "packet", flood_packet },
};

static const struct option names[] = {
	{ "mode", required_argument, NULL, 'm' },
	{ "dev", required_argument, NULL, 'd' },
	{ "dst-mac", required_argument, NULL, 'M' },
	{ "dst-ip", required_argument, NULL, 'I' },
	{ "flows", required_argument, NULL, 'k' },
	{ "packets", required_argument, NULL, 'n' },
	{ "size", required_argument, NULL, 'b' },
	{ "order", required_argument, NULL, 'o' },
	{ "seed", required_argument, NULL, 's' },
	{ "rate", required_argument, NULL, 'r' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void __attribute__((noreturn)) refuse(const char *option, const char *mend)
{
	fprintf(stderr, "flood: %s: %s; flood --help shows the usage\n", option, mend);
	exit(2);
}

static uint64_t number(const char *option, uint64_t least, uint64_t most)
{
	char *end, mend[80];
	uint64_t value;

	errno = 0;
	value = strtoull(optarg, &end, 10);
	if (!errno && end != optarg && !*end && *optarg != '-' && value >= least && value <= most)
		return value;
	snprintf(mend, sizeof(mend), "%.20s: give a number from %llu to %llu", optarg,
		 (unsigned long long)least, (unsigned long long)most);
	refuse(option, mend);
}

static const struct flood_mode *mode_of(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	refuse("--mode", "xdp, afxdp or packet");
}

static void set_mac(struct flood *flood)
{
	struct ether_addr mac;

	if (!ether_aton_r(optarg, &mac))
		refuse("--dst-mac", "give six bytes, as 02:00:00:00:00:02");
	memcpy(flood->dst_mac, mac.ether_addr_octet, sizeof(flood->dst_mac));
}

static void set_address(struct flood *flood)
{
	struct in_addr address;

	if (inet_pton(AF_INET, optarg, &address) != 1)
		refuse("--dst-ip", "give an IPv4 address");
	flood->dst_ip = ntohl(address.s_addr);
}

static void set_order(struct flood *flood)
{
	flood->plan.random = !strcmp(optarg, "random");
	if (!flood->plan.random && strcmp(optarg, "round"))
		refuse("--order", "round or random");
}

static void set(struct flood *flood, int option)
{
	switch (option) {
	case 'd': flood->dev = optarg; break;
	case 'M': set_mac(flood); break;
	case 'I': set_address(flood); break;
	case 'k': flood->plan.flows = number("--flows", 1, FLOOD_MAX_FLOWS); break;
	case 'n': flood->packets = number("--packets", 1, 1ull << 40); break;
	case 'b': flood->size = number("--size", FLOOD_MIN_SIZE, FLOOD_MAX_SIZE); break;
	case 'o': set_order(flood); break;
	case 's': flood->plan.seed = number("--seed", 0, UINT64_MAX); break;
	case 'r': flood->pace.rate = number("--rate", 0, 100000000); break;
	case 'c': flood->cpu = number("--cpu", 0, 1023); break;
	case 'h': fputs(help, stdout); exit(0);
	default: exit(2);
	}
}

const struct flood_mode *flood_options(int argc, char **argv, struct flood *flood)
{
	static const uint8_t nobody[6];
	const struct flood_mode *mode = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		if (option == 'm')
			mode = mode_of(optarg);
		else
			set(flood, option);
	}
	if (optind < argc)
		refuse(argv[optind], "no argument is expected");
	if (!mode || !flood->dev || !flood->plan.flows || !flood->packets ||
	    !memcmp(flood->dst_mac, nobody, sizeof(nobody)))
		refuse("--mode, --dev, --dst-mac, --flows, --packets", "all of them are needed");
	return mode;
}
