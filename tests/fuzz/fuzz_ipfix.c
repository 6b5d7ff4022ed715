/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any flow record becomes messages that follow their RFC: walked here by their templates, and IPFIX
 * read by libfixbuf too. Input: settings, a choice of columns, then records: bytes of the struct
 * itself, with texts and lists made of more bytes.
 */
#include <stdbool.h>

#include "../interop/fixbuf.h"
#include "format.h"
#include "ipfix.h"
#include "ipfix_material.h"
#include "ipfix_walk.h"
#include "support.h"
#include "utf8.h"

#define MAX_RECORDS 24

struct run {
	struct ipfix_walk walk;
	fBuf_t *fixbuf; /* NULL for NetFlow v9 */
	uint64_t flows;
};

static fbInfoModel_t *model;

void fixbuf_failed(const char *what, const GError *err)
{
	(void)what;
	(void)err;
	__builtin_trap();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	support_silence();
	model = fbInfoModelAlloc();
	return 0;
}

/* --- messages --------------------------------------------------------------------------------- */

static void check_text(const fbInfoElement_t *ie, const uint8_t *at)
{
	fbVarfield_t text;

	if (ie->type != FB_STRING || ie->len != FB_IE_VARLEN)
		return;
	memcpy(&text, at, sizeof(text));
	require(g_utf8_validate((const char *)text.buf, text.len, NULL));
}

/* libfixbuf's records are as many as those of the walk. */
static size_t read_with_fixbuf(fBuf_t *buffer, const void *bytes, size_t length)
{
	static uint8_t record[FIXBUF_RECORD_MAX];
	fbTemplate_t *template;
	size_t count = 0;
	uint16_t id;

	fBufSetBuffer(buffer, (uint8_t *)bytes, length);
	while ((template = fixbuf_next(buffer, &id, record))) {
		uint8_t *at = record;

		for (uint32_t i = 0; i < fbTemplateCountElements(template); i++) {
			const fbInfoElement_t *ie = fbTemplateGetIndexedIE(template, i);

			if (ie->type == FB_BASIC_LIST)
				fbBasicListClear((fbBasicList_t *)at);
			check_text(ie, at);
			at += fixbuf_size(ie);
		}
		count++;
	}
	return count;
}

static int emit(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct run *run = context;
	size_t records = walk_message(&run->walk, bytes, length);

	require(length <= IPFIX_MESSAGE_MAX);
	run->flows += flows;
	if (run->fixbuf)
		require(read_with_fixbuf(run->fixbuf, bytes, length) == records);
	return 0;
}

static void totals(void *context, struct ipfix_totals *out)
{
	(void)context;
	memset(out, 0xee, sizeof(*out));
}

/* Records and times in the order of the input. Returns how many flows must have come out. */
static size_t encode(struct ipfix_encoder *e, const struct material *m, struct input *in,
		     bool netflow9)
{
	uint64_t now_ns = 1700000000000000000;
	size_t flows = 0;

	for (int i = 0; i < MAX_RECORDS && in->left; i++) {
		struct flow_record r;

		make_record(&r, m, in);
		now_ns += (uint64_t)input_u16(in) << (input_u8(in) % 48);
		require(ipfix_encoder_encode(e, &r, now_ns) == 0);
		flows += !netflow9 || r.side[SIDE_SRC2DST].packets || r.side[SIDE_DST2SRC].packets;
		if (input_u8(in) % 4 == 0)
			require(ipfix_encoder_flush(e, now_ns) == 0);
	}
	require(ipfix_encoder_finish(e, now_ns) == 0);
	require(!ipfix_encoder_held(e));
	return flows;
}

static void check_run(struct run *run, const struct ipfix_options *options, struct input *in,
		      const struct material *m)
{
	struct config config = { .ipfix_pen = 1 + input_u16(in),
				 .ipfix_domain = input_u8(in),
				 .ipfix_point = input_u8(in),
				 .ipfix_mtu = 512 + input_u16(in) % 2048 };
	struct ipfix_encoder *e;
	struct columns columns;
	size_t flows;
	int err;

	make_columns(&columns, in);
	walk_begin(&run->walk, options->protocol == NETFLOW9);
	err = ipfix_encoder_new(&e, &config, &columns, options);
	require(!err || err == -EINVAL);
	if (!err) {
		if (!options->datagrams)
			require(ipfix_encoder_preamble(e, 0, emit, run, NULL) == 0);
		flows = encode(e, m, in, options->protocol == NETFLOW9);
		require(run->flows == flows);
	}
	ipfix_encoder_free(e);
	columns_free(&columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct material material;
	static struct run run;
	struct input in = { data, size };
	uint8_t settings = input_u8(&in);
	const struct ipfix_options options = {
		.protocol = settings & 1 ? NETFLOW9 : IPFIX,
		.datagrams = settings & 2,
		.totals = settings & 4 ? totals : NULL,
		.emit = emit,
		.context = &run,
	};

	run.flows = 0;
	run.fixbuf = options.protocol == IPFIX ? fBufAllocForCollection(fixbuf_session(model), NULL)
					       : NULL;
	make_material(&material, &in);
	check_run(&run, &options, &in, &material);
	free_material(&material);
	if (run.fixbuf)
		fBufFree(run.fixbuf);
	return 0;
}
