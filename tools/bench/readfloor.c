// SPDX-License-Identifier: BSD-2-Clause
/*
 * The floor of reading: libpcap hands over every packet and one byte of it is touched. No probe
 * that reads through libpcap can be cheaper.
 */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	uint64_t packets = 0, bytes = 0, touched = 0;
	char errbuf[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *hdr;
	const uint8_t *data;
	pcap_t *pcap;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: readfloor CAPTURE\n");
		return 2;
	}
	pcap = pcap_open_offline(argv[1], errbuf);
	if (!pcap) {
		fprintf(stderr, "readfloor: %s: name a capture\n", errbuf);
		return EXIT_FAILURE;
	}
	while ((rc = pcap_next_ex(pcap, &hdr, &data)) == 1) {
		packets++;
		bytes += hdr->len;
		touched += hdr->caplen ? data[0] : 0;
	}
	if (rc == PCAP_ERROR)
		fprintf(stderr, "readfloor: %s: make the capture anew\n", pcap_geterr(pcap));
	printf("packets %llu bytes %llu sum %llu\n", (unsigned long long)packets,
	       (unsigned long long)bytes, (unsigned long long)touched);
	pcap_close(pcap);
	return rc == PCAP_ERROR ? EXIT_FAILURE : EXIT_SUCCESS;
}
