/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture.h"

#include <pcap/pcap.h>

bool capture_read(const char *path, bool (*on_packet)(void *, const struct capture_packet *),
		  void *context)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	struct pcap_pkthdr *h;
	const u_char *bytes;
	bool ethernet = pcap && pcap_datalink(pcap) == DLT_EN10MB;

	while (ethernet && pcap_next_ex(pcap, &h, &bytes) == 1) {
		struct capture_packet p = {
			.bytes = bytes,
			.captured = h->caplen,
			.wire_len = h->len,
			.time_ns = (h->ts.tv_sec < 0 ? 0 : h->ts.tv_sec) * 1000000000ull +
				   (uint32_t)h->ts.tv_usec,
		};

		if (!on_packet(context, &p))
			break;
	}
	if (pcap)
		pcap_close(pcap);
	return ethernet;
}
