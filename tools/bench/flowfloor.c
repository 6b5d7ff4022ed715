// SPDX-License-Identifier: BSD-2-Clause
/*
 * The floor of metering: libpcap, a parse down to the ports, and packets and bytes by direction in
 * an open-addressing table of bidirectional 5-tuples. No timeout, tunnel, dissection or output.
 * Invariant: a slot is free exactly while first_us is 0, and one slot at least is free.
 */
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "octets.h"

#define SLOTS         (1ULL << 22)
#define KEY_WORDS     5
#define ETH_HLEN      14
#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_VLAN 0x8100
#define ETH_TYPE_QINQ 0x88a8
#define ETH_TYPE_IPV6 0x86dd
#define VLAN_HLEN     4
#define IPV4_HLEN_MIN 20
#define IPV6_HLEN     40
#define PORTS_LEN     4

/* Addresses and ports in network order; IPv4 in the first four octets. Zero where unused. */
struct flow_key {
	uint8_t addr[2][16];
	uint16_t port[2];
	uint8_t protocol;
	uint8_t pad[3];
};

_Static_assert(sizeof(struct flow_key) == KEY_WORDS * sizeof(uint64_t), "compared by words");

/* Two cache lines, as a probe's hot part would be. */
struct flow_slot {
	uint64_t key[KEY_WORDS];
	uint64_t packets[2]; /* by direction: 0 is the key's order */
	uint64_t bytes[2];
	uint64_t first_us;
	uint64_t last_us;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct flow_slot) == 128, "two cache lines");

struct flow_table {
	struct flow_slot *slots;
	uint64_t flows;
};

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static void read_ports(struct flow_key *key, const uint8_t *l4, const uint8_t *end)
{
	if (!has_ports(key->protocol) || l4 > end || end - l4 < PORTS_LEN)
		return;
	memcpy(&key->port[0], l4, 2);
	memcpy(&key->port[1], l4 + 2, 2);
}

static bool parse_ipv4(struct flow_key *key, const uint8_t *ip, const uint8_t *end)
{
	if (end - ip < IPV4_HLEN_MIN)
		return false;
	memcpy(key->addr[0], ip + 12, 4);
	memcpy(key->addr[1], ip + 16, 4);
	key->protocol = ip[9];
	if (!(get_be16(ip + 6) & 0x1fff)) /* first fragment */
		read_ports(key, ip + (ip[0] & 15) * 4, end);
	return true;
}

static bool parse_ipv6(struct flow_key *key, const uint8_t *ip, const uint8_t *end)
{
	if (end - ip < IPV6_HLEN)
		return false;
	memcpy(key->addr[0], ip + 8, 16);
	memcpy(key->addr[1], ip + 24, 16);
	key->protocol = ip[6];
	read_ports(key, ip + IPV6_HLEN, end);
	return true;
}

static bool parse(struct flow_key *key, const uint8_t *frame, uint32_t len)
{
	const uint8_t *end = frame + len;
	uint32_t off = ETH_HLEN;
	uint16_t type;

	if (len < ETH_HLEN)
		return false;
	type = get_be16(frame + 12);
	while ((type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ) && off + VLAN_HLEN <= len) {
		type = get_be16(frame + off + 2);
		off += VLAN_HLEN;
	}
	memset(key, 0, sizeof(*key));
	if (type == ETH_TYPE_IPV4)
		return parse_ipv4(key, frame + off, end);
	return type == ETH_TYPE_IPV6 && parse_ipv6(key, frame + off, end);
}

/* Returns the direction: 1 if the endpoints had to change places. */
static unsigned int make_canonical(struct flow_key *key)
{
	int order = memcmp(key->addr[0], key->addr[1], sizeof(key->addr[0]));
	uint8_t addr[16];
	uint16_t port;

	if (order < 0 || (!order && key->port[0] <= key->port[1]))
		return 0;
	memcpy(addr, key->addr[0], sizeof(addr));
	memcpy(key->addr[0], key->addr[1], sizeof(addr));
	memcpy(key->addr[1], addr, sizeof(addr));
	port = key->port[0];
	key->port[0] = key->port[1];
	key->port[1] = port;
	return 1;
}

static uint64_t hash_key(const uint64_t words[KEY_WORDS])
{
	static const uint64_t odd[KEY_WORDS] = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
						 0x94d049bb133111eb, 0xd6e8feb86659fd93,
						 0xa0761d6478bd642f };
	uint64_t hash = 0;

	for (int i = 0; i < KEY_WORDS; i++)
		hash ^= words[i] * odd[i];
	hash ^= hash >> 29;
	hash *= odd[1];
	return hash ^ hash >> 32;
}

/* NULL when the table is full. */
static struct flow_slot *find_or_insert(struct flow_table *table, const struct flow_key *key,
					uint64_t time_us)
{
	uint64_t words[KEY_WORDS];
	struct flow_slot *slot;
	uint64_t i;

	memcpy(words, key, sizeof(words));
	for (i = hash_key(words) & (SLOTS - 1);; i = (i + 1) & (SLOTS - 1)) {
		slot = &table->slots[i];
		if (!slot->first_us)
			break;
		if (!memcmp(slot->key, words, sizeof(words)))
			return slot;
	}
	if (table->flows == SLOTS - 1)
		return NULL;
	memcpy(slot->key, words, sizeof(words));
	slot->first_us = time_us;
	table->flows++;
	return slot;
}

static int meter(struct flow_table *table, const struct pcap_pkthdr *hdr, const uint8_t *data)
{
	uint64_t time_us = (uint64_t)hdr->ts.tv_sec * 1000000 + (uint64_t)hdr->ts.tv_usec;
	struct flow_slot *slot;
	unsigned int direction;
	struct flow_key key;

	if (!parse(&key, data, hdr->caplen))
		return 0;
	direction = make_canonical(&key);
	slot = find_or_insert(table, &key, time_us);
	if (!slot)
		return -1;
	slot->last_us = time_us;
	slot->packets[direction]++;
	slot->bytes[direction] += hdr->len;
	return 1;
}

static int meter_all(struct flow_table *table, pcap_t *pcap)
{
	uint64_t packets = 0, ip_packets = 0;
	struct pcap_pkthdr *hdr;
	const uint8_t *data;
	int rc, metered = 0;

	while ((rc = pcap_next_ex(pcap, &hdr, &data)) == 1) {
		metered = meter(table, hdr, data);
		if (metered < 0)
			break;
		packets++;
		ip_packets += (uint64_t)metered;
	}
	printf("packets %llu ip %llu flows %llu\n", (unsigned long long)packets,
	       (unsigned long long)ip_packets, (unsigned long long)table->flows);
	if (metered < 0)
		fprintf(stderr, "flowfloor: more than %llu flows: raise SLOTS\n", SLOTS - 1);
	else if (rc == PCAP_ERROR)
		fprintf(stderr, "flowfloor: %s: make the capture anew\n", pcap_geterr(pcap));
	return metered < 0 || rc == PCAP_ERROR ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	struct flow_table table = { 0 };
	int status = EXIT_FAILURE;
	pcap_t *pcap;

	if (argc != 2) {
		fprintf(stderr, "usage: flowfloor CAPTURE\n");
		return 2;
	}
	pcap = pcap_open_offline(argv[1], errbuf);
	if (!pcap) {
		fprintf(stderr, "flowfloor: %s: name a capture\n", errbuf);
		return EXIT_FAILURE;
	}
	table.slots = calloc(SLOTS, sizeof(*table.slots));
	if (table.slots)
		status = meter_all(&table, pcap);
	else
		fprintf(stderr, "flowfloor: no memory for the table: free some\n");
	free(table.slots);
	pcap_close(pcap);
	return status;
}
