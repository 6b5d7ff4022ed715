// SPDX-License-Identifier: BSD-2-Clause
/*
 * flood --mode packet: AF_PACKET and sendmmsg(). The slowest, and the only one that passes the
 * sender's own TC egress. sent is what sendmmsg() accepted. Since Linux 6.16 a veth refuses what
 * its peer's ring has no room for (ENOBUFS; the same message is tried again); older ones drop it,
 * and only the interface's tx_dropped tells.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"

#define BATCH 64

struct batch {
	uint8_t frames[BATCH][FLOOD_MAX_SIZE + 2]; /* + 2: each begins at an even address */
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH];
};

static void batch_init(struct batch *b, struct flood *flood)
{
	for (int i = 0; i < BATCH; i++) {
		flood_frame_init(flood, (struct flood_frame *)b->frames[i]);
		b->vectors[i] = (struct iovec){ b->frames[i], flood->size };
		b->messages[i].msg_hdr.msg_iov = &b->vectors[i];
		b->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static int open_socket(const struct flood *flood)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = flood->ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: receives nothing */

	if (fd < 0)
		return flood_error(-errno, "a packet socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		int err = flood_error(-errno, "binding a packet socket to %s", flood->dev);

		close(fd);
		return err;
	}
	return fd;
}

/* The message that comes next was refused, whether sendmmsg() had sent others before it or not. */
static int refused(struct flood *flood, struct flood_sent *sent)
{
	sent->retries++;
	if (flood_pace_rest(&flood->pace, sent->packets))
		return flood_error(-ENOBUFS, "%s takes no packets", flood->dev);
	return 0;
}

static int send_some(struct flood *flood, struct batch *b, int fd, struct flood_sent *sent,
		     int count)
{
	int done;

	for (int i = 0; i < count; i++)
		flood_frame_address((struct flood_frame *)b->frames[i], &flood->plan,
				    flood_flow_of(&flood->plan, sent->packets + i));
	done = sendmmsg(fd, b->messages, count, 0);
	if (done < 0 && errno != ENOBUFS)
		return flood_error(-errno, "sending on %s", flood->dev);
	if (done > 0)
		sent->packets += done;
	return done < count ? refused(flood, sent) : 0;
}

static int send_all(struct flood *flood, struct batch *b, int fd, struct flood_sent *sent)
{
	int err = 0;

	while (!err && sent->packets < flood->packets) {
		uint64_t left = flood->packets - sent->packets;

		left = flood_pace_take(&flood->pace, sent->packets, left < BATCH ? left : BATCH);
		err = send_some(flood, b, fd, sent, left);
	}
	return err;
}

int flood_packet(struct flood *flood, struct flood_sent *sent)
{
	static struct batch batch;
	int fd = open_socket(flood), err;

	if (fd < 0)
		return fd;
	batch_init(&batch, flood);
	flood_pace_begin(&flood->pace);
	err = send_all(flood, &batch, fd, sent);
	close(fd);
	return err;
}
