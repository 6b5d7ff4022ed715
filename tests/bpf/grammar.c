/* SPDX-License-Identifier: BSD-2-Clause */
#include "grammar.h"

#include <arpa/inet.h>
#include <string.h>

#define DEPTH 3 /* of and, or, not; arithmetic is as deep */

#define ONE_OF(g, words) ((words)[grammar_pick(g, sizeof(words) / sizeof((words)[0]))])

static const char *const directions[] = { "", "src ", "dst ", "src or dst ", "src and dst " };

uint32_t grammar_pick(struct grammar *g, uint32_t below)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (uint32_t)(g->state >> 32) % below;
}

/* Bytes of the packet in network order, or by chance where it is too short. */
static uint32_t value_at(struct grammar *g, uint32_t off, uint32_t size)
{
	uint32_t value = 0;

	if (off + size > g->length)
		return grammar_pick(g, 0xffff) & (size == 1 ? 0xff : 0xffff);
	for (uint32_t i = 0; i < size; i++)
		value = value << 8 | g->packet[off + i];
	return value;
}

static void write_ethernet(struct grammar *g, FILE *out)
{
	uint32_t at = grammar_pick(g, 2) * 6;

	fprintf(out, "ether %shost %02x:%02x:%02x:%02x:%02x:%02x", ONE_OF(g, directions),
		value_at(g, at, 1), value_at(g, at + 1, 1), value_at(g, at + 2, 1),
		value_at(g, at + 3, 1), value_at(g, at + 4, 1), value_at(g, at + 5, 1));
}

static void write_net(struct grammar *g, FILE *out)
{
	uint32_t address = value_at(g, grammar_pick(g, 2) ? 26 : 30, 4);
	uint32_t bits = 1 + grammar_pick(g, 32);
	struct in_addr net = { htonl(address & ~0u << (32 - bits)) };
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &net, text, sizeof(text));
	fprintf(out, "%snet %s/%u", ONE_OF(g, directions), text, bits);
}

static void write_net6(struct grammar *g, FILE *out)
{
	uint32_t at = grammar_pick(g, 2) ? 22 : 38, bits = 8 * (1 + grammar_pick(g, 16));
	struct in6_addr net = { 0 };
	char text[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; i < bits / 8; i++)
		net.s6_addr[i] = (uint8_t)value_at(g, at + i, 1);
	inet_ntop(AF_INET6, &net, text, sizeof(text));
	fprintf(out, "%snet %s/%u", ONE_OF(g, directions), text, bits);
}

static void write_port(struct grammar *g, FILE *out)
{
	static const char *const protocols[] = { "", "tcp ", "udp ", "sctp " };
	uint32_t port = value_at(g, grammar_pick(g, 2) ? 34 : 36, 2);

	fprintf(out, "%s%s", ONE_OF(g, protocols), ONE_OF(g, directions));
	if (grammar_pick(g, 2))
		fprintf(out, "port %u", port);
	else
		fprintf(out, "portrange %u-%u", port > 100 ? port - 100 : 0,
			port < 65000 ? port + 500 : 65535);
}

static void write_word(struct grammar *g, FILE *out)
{
	static const char *const words[] = {
		"ip",   "ip6",    "tcp",  "udp",    "icmp", "icmp6",          "arp",
		"igmp", "vlan",   "mpls", "pppoes", "sctp", "ip multicast",   "ether multicast",
		"esp",  "geneve", "ah",   "stp",    "pim",  "ether broadcast"
	};

	fputs(ONE_OF(g, words), out);
}

static void write_number(struct grammar *g, FILE *out)
{
	switch (grammar_pick(g, 8)) {
	case 0: fprintf(out, "vlan %u", value_at(g, 14, 2) & 0xfff); break;
	case 1: fprintf(out, "mpls %u", value_at(g, 14, 4) >> 12); break;
	case 2: fprintf(out, "ip proto %u", value_at(g, 23, 1)); break;
	case 3: fprintf(out, "ip6 proto %u", value_at(g, 20, 1)); break;
	case 4: fprintf(out, "ether proto 0x%04x", value_at(g, 12, 2)); break;
	case 5: fprintf(out, "less %u", g->length + grammar_pick(g, 200)); break;
	case 6: fprintf(out, "greater %u", g->length / 2 + grammar_pick(g, 200)); break;
	default: fprintf(out, "tcp[tcpflags] & %u != 0", 1 + grammar_pick(g, 255)); break;
	}
}

static void write_arithmetic(struct grammar *g, FILE *out, int depth);

static void write_accessor(struct grammar *g, FILE *out, int depth)
{
	static const char *const protocols[] = {
		"ether", "ether", "ip", "ip6", "tcp", "udp", "icmp"
	};
	static const uint32_t reach[] = { 16, 64, 64, 260, 1600 };
	static const uint32_t sizes[] = { 1, 2, 4 };

	fprintf(out, "%s[", ONE_OF(g, protocols));
	if (depth && !grammar_pick(g, 3))
		write_arithmetic(g, out, depth - 1);
	else
		fprintf(out, "%u", grammar_pick(g, ONE_OF(g, reach)));
	fprintf(out, ":%u]", ONE_OF(g, sizes));
}

static void write_arithmetic(struct grammar *g, FILE *out, int depth)
{
	static const char *const operators[] = {
		"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"
	};
	uint32_t choice = grammar_pick(g, 8);

	if (depth && choice < 4) {
		fputc('(', out);
		write_arithmetic(g, out, depth - 1);
		fprintf(out, " %s ", ONE_OF(g, operators));
		write_arithmetic(g, out, depth - 1);
		fputc(')', out);
	} else if (choice < 6) {
		write_accessor(g, out, depth);
	} else if (choice == 6) {
		fprintf(out, "%u", grammar_pick(g, grammar_pick(g, 2) ? 40 : 70000));
	} else {
		fputs("len", out);
	}
}

static void write_relation(struct grammar *g, FILE *out)
{
	static const char *const relations[] = { "=", "!=", "<", ">", "<=", ">=" };

	write_arithmetic(g, out, DEPTH);
	fprintf(out, " %s ", ONE_OF(g, relations));
	write_arithmetic(g, out, DEPTH - 1);
}

/* What the packet itself has, somewhere. */
static void write_own_bytes(struct grammar *g, FILE *out)
{
	uint32_t off = grammar_pick(g, g->length);

	fprintf(out, "ether[%u] = %u", off, value_at(g, off, 1));
}

static void write_primitive(struct grammar *g, FILE *out)
{
	static void (*const primitives[])(struct grammar *, FILE *) = {
		write_ethernet, write_net,      write_net6,     write_port,     write_word,
		write_number,   write_relation, write_relation, write_own_bytes
	};

	ONE_OF(g, primitives)(g, out);
}

static void write_depth(struct grammar *g, FILE *out, int depth)
{
	uint32_t choice = depth ? grammar_pick(g, 8) : 7;

	if (choice == 7) {
		write_primitive(g, out);
		return;
	}
	fputs(choice == 6 ? "not (" : "(", out);
	write_depth(g, out, depth - 1);
	if (choice < 6) {
		fputs(choice < 3 ? ") and (" : ") or (", out);
		write_depth(g, out, depth - 1);
	}
	fputc(')', out);
}

void grammar_write(struct grammar *g, FILE *out)
{
	write_depth(g, out, DEPTH);
}
