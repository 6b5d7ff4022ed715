/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading IPFIX with libfixbuf: each data record as its template has it. What libfixbuf refuses or
 * complains about goes to fixbuf_failed(), which the program defines.
 */
#ifndef TESTS_INTEROP_FIXBUF_H
#define TESTS_INTEROP_FIXBUF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <fixbuf/public.h>

#define FIXBUF_RECORD_MAX (1 << 18)

/* Does not return. */
void fixbuf_failed(const char *what, const GError *err) __attribute__((noreturn));

static inline void fixbuf_complained(const gchar *domain, GLogLevelFlags level,
				     const gchar *message, gpointer data)
{
	(void)domain;
	(void)level;
	(void)data;
	fixbuf_failed(message, NULL);
}

/* Records in memory have the template of those on the wire. */
static inline void fixbuf_on_template(fbSession_t *session, uint16_t id, fbTemplate_t *template,
				      void *context, void **data, fbTemplateCtxFree_fn *free_data)
{
	GError *err = NULL;

	(void)context;
	(void)data;
	(void)free_data;
	fbSessionRemoveTemplate(session, TRUE, id, NULL);
	if (!fbSessionAddTemplate(session, TRUE, id, template, &err))
		fixbuf_failed("template", err);
}

static inline fbSession_t *fixbuf_session(fbInfoModel_t *model)
{
	fbSession_t *session = fbSessionAlloc(model);

	g_log_set_default_handler(fixbuf_complained, NULL);
	fbSessionAddNewTemplateCallback(session, fixbuf_on_template, NULL);
	return session;
}

/* Bytes of the element in a record in memory. */
static inline size_t fixbuf_size(const fbInfoElement_t *ie)
{
	if (ie->type == FB_BASIC_LIST)
		return sizeof(fbBasicList_t);
	return ie->len == FB_IE_VARLEN ? sizeof(fbVarfield_t) : ie->len;
}

static inline bool fixbuf_ended(GError *err, const char *what)
{
	if (!g_error_matches(err, FB_ERROR_DOMAIN, FB_ERROR_EOF) &&
	    !g_error_matches(err, FB_ERROR_DOMAIN, FB_ERROR_EOM) &&
	    !g_error_matches(err, FB_ERROR_DOMAIN, FB_ERROR_BUFSZ))
		fixbuf_failed(what, err);
	g_clear_error(&err);
	return true;
}

/* The next data record, into record; NULL at the end. Lists are the caller's to clear. */
static inline fbTemplate_t *fixbuf_next(fBuf_t *buffer, uint16_t *id,
					uint8_t record[FIXBUF_RECORD_MAX])
{
	size_t length = FIXBUF_RECORD_MAX;
	GError *err = NULL;
	fbTemplate_t *template = fBufNextCollectionTemplate(buffer, id, &err);

	if (!template && fixbuf_ended(err, "message"))
		return NULL;
	/* fbVarfield_t and lists are read before they are written */
	memset(record, 0, 8192);
	if (!fBufSetInternalTemplate(buffer, *id, &err))
		fixbuf_failed("internal template", err);
	if (!fBufNext(buffer, record, &length, &err) && fixbuf_ended(err, "record"))
		return NULL;
	return template;
}

#endif
