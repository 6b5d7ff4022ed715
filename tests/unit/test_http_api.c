/* SPDX-License-Identifier: BSD-2-Clause */
/* Which URLs are APIs, and what answers of a bulk API say, hostile ones too. */
#include "outputs.h"

#include <errno.h>

#include "http_api.h"

static void which(void **state)
{
	static const struct {
		const char *address, *path;
	} rows[] = {
		{ "h:9200/_bulk", "/_bulk" },
		{ "h/flows/_bulk?refresh=false", "/_bulk" },
		{ "h/loki/api/v1/push", "/loki/api/v1/push" },
		{ "h/tenant/loki/api/v1/push#x", "/loki/api/v1/push" },
		{ "h/x_bulk", NULL },
		{ "h/_bulk/", NULL },
		{ "h/?path=/_bulk", NULL },
		{ "h", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct http_api *api = http_api_of(rows[i].address);

		assert_int_equal(!api, !rows[i].path);
		if (api)
			assert_string_equal(api->path, rows[i].path);
	}
}

#define ITEM(status, more) "{\"create\":{\"_id\":\"a\",\"status\":" #status more "}}"
#define ERROR(reason)      ",\"error\":{\"status\":429,\"reason\":" reason "}"
#define ANSWER(items)      "{\"took\":1,\"errors\":true,\"items\":[" items "]}"

static void answers(void **state)
{
	static const struct {
		const char *body;
		int err;
		uint32_t refused;
		const char *why;
	} rows[] = {
		{ "{\"took\":1,\"errors\":false,\"items\":[]}", 0, 0, "" },
		{ "{\"errors\":false}", 0, 0, "" },
		{ ANSWER(ITEM(201, ) "," ITEM(409, ERROR("\"there\""))), 0, 0, "" },
		{ ANSWER(ITEM(400, ERROR("\"bad\"")) "," ITEM(413, ERROR("\"large\""))), 0, 2,
		  "status 400 of a record: bad" },
		{ ANSWER(ITEM(400, )), 0, 1, "status 400 of a record: no reason given" },
		{ ANSWER(ITEM(400, ERROR("null"))), 0, 1, "status 400 of a record: none" },
		{ ANSWER(ITEM(400, ERROR("\"\\u001b[31mr\\u00e4d\\u0007\""))), 0, 1,
		  "status 400 of a record: .[31mr..d." },
		{ ANSWER(ITEM(400, ERROR("\"bad\\nworse\""))), 0, 1,
		  "status 400 of a record: bad" },
		{ ANSWER(ITEM(400, ",\"error\":7")), 0, 1,
		  "status 400 of a record: no reason given" },
		{ ANSWER(ITEM(400, ) "," ITEM(503, )), -EBUSY, 1, "status 503 of some records" },
		{ ANSWER(ITEM(201, ) "," ITEM(429, )), -EBUSY, 0, "status 429 of some records" },
		{ ANSWER("{\"create\":{}}"), -EBADMSG, 0, "the answer is none of a bulk API" },
		{ ANSWER("{\"create\":3}"), -EBADMSG, 0, "the answer is none of a bulk API" },
		{ ANSWER("{}"), -EBADMSG, 0, "the answer is none of a bulk API" },
		{ ANSWER("[]"), -EBADMSG, 0, "the answer is none of a bulk API" },
		{ " { \"a\" : { \"errors\" : false , \"]}\\\"\" : [ ] } ,\n\"items\" : [ " ITEM(
			  201, ) " , " ITEM(413, ) " ] , \"errors\" : true } ",
		  0, 1, "status 413 of a record: no reason given" },
		{ ANSWER(ITEM(201, ) " " ITEM(201, )), -EBADMSG, 0, NULL },
		{ ANSWER(ITEM(201, ) "}"), -EBADMSG, 0, NULL },
		{ ANSWER(ITEM(201, ) ":" ITEM(201, )), -EBADMSG, 0, NULL },
		{ ANSWER(""), 0, 0, "" },
		{ "{\"errors\":true,\"items\":[}}", -EBADMSG, 0, NULL },
		{ "{\"errors\":\"true\",\"items\":[]}", -EBADMSG, 0, NULL },
		{ "{\"errors\":true,\"items\":{}}", -EBADMSG, 0, NULL },
		{ "{\"errors\":1}", -EBADMSG, 0, NULL },
		{ "{\"errors\":tru", -EBADMSG, 0, NULL },
		{ "null", -EBADMSG, 0, NULL },
		{ "", -EBADMSG, 0, NULL },
	};
	const struct http_api *api = http_api_of("h/_bulk");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[TRANSPORT_WHY_SIZE] = "";
		uint32_t refused = 99;

		assert_int_equal(api->judge(rows[i].body, strlen(rows[i].body), &refused, why),
				 rows[i].err);
		assert_int_equal(refused, rows[i].refused);
		if (rows[i].why)
			assert_string_equal(why, rows[i].why);
	}
}

/* Each beginning of an answer is judged without reading behind it. */
static void cut_answers(void **state)
{
	static const char whole[] = ANSWER(ITEM(400, ERROR("\"b\\u00e4d\"")));
	const struct http_api *api = http_api_of("h/_bulk");

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char why[TRANSPORT_WHY_SIZE] = "";
		char *cut = malloc(n ? n : 1);
		uint32_t refused;

		memcpy(cut, whole, n);
		assert_int_equal(api->judge(cut, n, &refused, why), -EBADMSG);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which),
		cmocka_unit_test(answers),
		cmocka_unit_test(cut_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
