/* SPDX-License-Identifier: BSD-2-Clause */
#include "anonymize.h"

#include <errno.h>
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"

#define KEY_MIN     32 /* Crypto-PAn: 16 bytes of AES key, 16 of pad */
#define KEY_MAX     64
#define HASH_BYTES  16
#define CACHE_SLOTS 4096 /* Crypto-PAn costs a block cipher call a bit */

struct cached {
	uint8_t from[16], to[16];
	uint8_t length; /* 0 = empty */
};

struct anonymizer {
	gcry_md_hd_t hash;
	gcry_cipher_hd_t cipher;
	uint8_t key[KEY_MAX];
	size_t key_length;
	uint8_t pad[16];
	bool prefix;
	bool hides_key; /* columns of the flow's key are hidden */
	bool *hidden;   /* by column */
	struct cached cache[CACHE_SLOTS];
};

/* Columns of which one is told by another: by its number, in other words, or in part. */
static const char *const relatives[][3] = {
	{ "src_mac", "src_oui", "src_mac_vendor" },
	{ "dst_mac", "dst_oui", "dst_mac_vendor" },
	{ "ingress_interface", "ingress_ifindex" },
	{ "egress_interface", "egress_ifindex" },
	{ "system_process_name", "system_process_pid" },
	{ "application_name", "master_protocol", "app_protocol" },
	{ "client_info", "requested_server_name", "url" },
	{ "client_fingerprint", "j3a_client", "hassh_client" },
	{ "server_fingerprint", "j3a_server", "hassh_server" },
	{ "application_confidence", "confidence_name" },
	{ "risk", "risk_names" },
	{ "first_seen", "src2dst_first_seen_ms" }, /* whose packet is the flow's first */
	{ "last_seen", "src2dst_last_seen_ms", "dst2src_last_seen_ms" },
	{ "src2dst_tos", "src2dst_dscp" },
	{ "dst2src_tos", "dst2src_dscp" },
};

/* What the hashes of a flow's key are made of besides addresses: few values, soon tried. */
static const char *const key_columns[] = {
	"src_port", "dst_port", "protocol", "vlan_id", "icmp_type", "icmp_code",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_among(const struct field *f, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], f->name))
			return true;
	return false;
}

static bool is_hash_of_key(const struct field *f)
{
	return f->need & (NEED_NFHASH | NEED_COMMUNITY_ID);
}

/* Columns that an address could be looked up from: hidden together. */
static bool tells_address(const struct field *f)
{
	return f->type == FIELD_ADDR || f->type == FIELD_ADDR_NUMBER || is_hash_of_key(f);
}

static bool is_in_key(const struct field *f)
{
	return tells_address(f) || is_among(f, key_columns, COUNT_OF(key_columns));
}

static bool has_place(const struct field *f)
{
	return !(f->need & (NEED_STATE | NEED_SPLT));
}

/* Other names and forms of a value too: in s and in ns, a link address and its first bytes. */
static bool same_value(const struct field *a, const struct field *b)
{
	return a == b || (has_place(a) && has_place(b) && a->offset == b->offset);
}

static bool is_relative(const struct field *f, const char *const names[3])
{
	for (size_t i = 0; i < 3 && names[i]; i++)
		if (same_value(f, record_field_by_name(names[i])))
			return true;
	return false;
}

static bool are_relatives(const struct field *a, const struct field *b)
{
	for (size_t i = 0; i < COUNT_OF(relatives); i++)
		if (is_relative(a, relatives[i]) && is_relative(b, relatives[i]))
			return true;
	return false;
}

/* Whether who sees the column knows the one that is to be hidden. */
static bool tells(const struct field *column, const struct field *hidden)
{
	return same_value(column, hidden) || are_relatives(column, hidden) ||
	       (tells_address(column) && tells_address(hidden)) ||
	       (is_hash_of_key(column) && is_in_key(hidden));
}

static int random_key(struct anonymizer *a)
{
	int err = getrandom(a->key, KEY_MAX, 0) == KEY_MAX ? 0 : -errno;

	a->key_length = KEY_MAX;
	if (err)
		log_error("--anonymize: no random key: %s; give --anonymize-key FILE",
			  strerror(-err));
	return err;
}

static int read_key(struct anonymizer *a, const char *path)
{
	uint8_t bytes[KEY_MAX + 1];
	FILE *file = fopen(path, "rbe");
	size_t n = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	int err = !file || ferror(file) ? -errno : 0;

	if (file)
		fclose(file);
	if (err)
		log_error("--anonymize-key %s: %s; give a readable file", path, strerror(-err));
	if (!err && (n < KEY_MIN || n > KEY_MAX)) {
		log_error("--anonymize-key %s: has %s %zu bytes; a key file holds %d to %d", path,
			  n > KEY_MAX ? "more than" : "only", n > KEY_MAX ? KEY_MAX : n, KEY_MIN,
			  KEY_MAX);
		err = -EINVAL;
	}
	if (!err) {
		memcpy(a->key, bytes, n);
		a->key_length = n;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

static int hide(struct anonymizer *a, const struct columns *columns, const char *name)
{
	int id = columns_id(columns, name);
	const struct field *named;

	if (id < 0) {
		log_error("--anonymize: column \"%s\" is not exported; `weir fields` lists the "
			  "columns",
			  name);
		return -EINVAL;
	}
	named = columns->items[id];
	a->hides_key |= is_in_key(named);
	for (size_t i = 0; i < columns->count; i++)
		a->hidden[i] |= tells(columns->items[i], named);
	return 0;
}

static int hide_list(struct anonymizer *a, const struct columns *columns, const char *names)
{
	char *list = strdup(names), *at = list, *name;
	int err = list ? 0 : -ENOMEM;

	while (!err && (name = strsep(&at, ",")))
		err = hide(a, columns, name);
	free(list);
	return err;
}

static int open_ciphers(struct anonymizer *a)
{
	if (!gcry_check_version(NULL) || gcry_md_open(&a->hash, GCRY_MD_BLAKE2B_512, 0) ||
	    gcry_md_setkey(a->hash, a->key, a->key_length) ||
	    gcry_cipher_open(&a->cipher, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_ECB, 0) ||
	    gcry_cipher_setkey(a->cipher, a->key, 16) ||
	    gcry_cipher_encrypt(a->cipher, a->pad, 16, a->key + 16, 16)) {
		log_error("--anonymize: libgcrypt refuses BLAKE2b or AES; leave FIPS mode");
		return -ENOTSUP;
	}
	return 0;
}

static int take_key(struct anonymizer *a, const struct config *config,
		    const struct anonymizer *like)
{
	if (!like)
		return config->anonymize_key ? read_key(a, config->anonymize_key) : random_key(a);
	memcpy(a->key, like->key, sizeof(a->key));
	a->key_length = like->key_length;
	return 0;
}

int anonymizer_new(struct anonymizer **out, const struct config *config,
		   const struct columns *columns)
{
	return anonymizer_new_like(out, config, columns, NULL);
}

int anonymizer_new_like(struct anonymizer **out, const struct config *config,
			const struct columns *columns, const struct anonymizer *like)
{
	struct anonymizer *a;
	int err;

	*out = NULL;
	if (!config->anonymize && !config->anonymize_prefix) {
		if (!config->anonymize_key)
			return 0;
		log_error("--anonymize-key: nothing is anonymized; give --anonymize COLUMNS or "
			  "--anonymize-prefix");
		return -EINVAL;
	}
	a = calloc(1, sizeof(*a));
	if (a)
		a->hidden = calloc(columns->count + 1, sizeof(*a->hidden));
	if (!a || !a->hidden)
		err = -ENOMEM;
	else
		err = take_key(a, config, like);
	if (!err)
		err = open_ciphers(a);
	if (!err && config->anonymize)
		err = hide_list(a, columns, config->anonymize);
	if (err) {
		anonymizer_free(a);
		return err;
	}
	a->prefix = config->anonymize_prefix;
	*out = a;
	return 0;
}

void anonymizer_free(struct anonymizer *a)
{
	if (!a)
		return;
	gcry_md_close(a->hash);
	gcry_cipher_close(a->cipher);
	explicit_bzero(a->key, sizeof(a->key));
	free(a->hidden);
	free(a);
}

bool anonymizer_hides(const struct anonymizer *a, size_t column)
{
	return a && a->hidden[column];
}

bool anonymizer_hides_value(const struct anonymizer *a, const struct columns *columns,
			    size_t offset)
{
	for (size_t i = 0; a && i < columns->count; i++)
		if (a->hidden[i] && has_place(columns->items[i]) &&
		    columns->items[i]->offset == offset)
			return true;
	return false;
}

bool anonymizer_hides_key(const struct anonymizer *a)
{
	return a && a->hides_key;
}

bool anonymizer_changes_addresses(const struct anonymizer *a)
{
	return a && a->prefix;
}

void anonymizer_replace(struct anonymizer *a, struct text_buffer *b, size_t start)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *digest;

	gcry_md_reset(a->hash); /* forgets the key of a BLAKE2 */
	gcry_md_setkey(a->hash, a->key, a->key_length);
	gcry_md_write(a->hash, b->data + start, b->length - start);
	b->length = start;
	digest = gcry_md_read(a->hash, 0);
	for (int i = 0; i < HASH_BYTES; i++) {
		text_char(b, hex[digest[i] >> 4]);
		text_char(b, hex[digest[i] & 15]);
	}
}

/* Bit i of the result is flipped by a cipher of the i bits before it, padded. */
static void crypto_pan(struct anonymizer *a, const uint8_t *from, uint8_t *to, size_t length)
{
	uint8_t input[16], output[16];

	memcpy(to, from, length);
	for (size_t bit = 0; bit < length * 8; bit++) {
		memcpy(input, a->pad, 16);
		memcpy(input, from, bit / 8);
		if (bit % 8) {
			uint8_t mask = 0xff << (8 - bit % 8);

			input[bit / 8] = (from[bit / 8] & mask) | (a->pad[bit / 8] & ~mask);
		}
		gcry_cipher_encrypt(a->cipher, output, 16, input, 16);
		to[bit / 8] ^= (output[0] >> 7) << (7 - bit % 8);
	}
}

void anonymizer_prefix(struct anonymizer *a, uint8_t *addr, size_t length)
{
	uint32_t slot = length;
	struct cached *c;

	for (size_t i = 0; i < length; i++)
		slot = slot * 31 + addr[i];
	c = &a->cache[slot % CACHE_SLOTS];
	if (c->length != length || memcmp(c->from, addr, length)) {
		c->length = length;
		memcpy(c->from, addr, length);
		crypto_pan(a, c->from, c->to, length);
	}
	memcpy(addr, c->to, length);
}

void anonymizer_addresses(struct anonymizer *a, struct flow_record *r, uint32_t need)
{
	size_t skip = r->ip_version == 4 ? 12 : 0;

	anonymizer_prefix(a, r->src_addr + skip, 16 - skip);
	anonymizer_prefix(a, r->dst_addr + skip, 16 - skip);
	record_derive(r, need);
}
