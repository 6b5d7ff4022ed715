/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Information elements of columns: what collectors have seen once means the same for ever. A new
 * column gets a number that none had and a row here; a row here never changes.
 */
#include "outputs.h"

static const struct {
	uint32_t id;
	const char *name;
} own[] = {
	{ 1, "id" },
	{ 2, "probe" },
	{ 3, "expiration_id" },
	{ 4, "src_oui" },
	{ 5, "dst_oui" },
	{ 6, "tunnel_id" },
	{ 7, "tunnel_key" },
	{ 8, "src_teid" },
	{ 9, "dst_teid" },
	{ 10, "nfhash" },
	{ 11, "community_id" },
	{ 12, "src_initial_window" },
	{ 13, "dst_initial_window" },
	{ 14, "client_rtt_us" },
	{ 15, "server_rtt_us" },
	{ 16, "app_latency_us" },
	{ 17, "splt_direction" },
	{ 18, "splt_ps" },
	{ 19, "splt_piat_ms" },
	{ 20, "master_protocol" },
	{ 21, "app_protocol" },
	{ 22, "application_is_guessed" },
	{ 23, "application_confidence" },
	{ 24, "confidence_name" },
	{ 25, "client_info" },
	{ 26, "server_info" },
	{ 27, "j3a_client" },
	{ 28, "j3a_server" },
	{ 29, "requested_server_name" },
	{ 30, "client_fingerprint" },
	{ 31, "server_fingerprint" },
	{ 32, "hassh_client" },
	{ 33, "hassh_server" },
	{ 34, "ja4" },
	{ 35, "tls_version" },
	{ 36, "alpn" },
	{ 37, "url" },
	{ 38, "risk" },
	{ 39, "risk_names" },
	{ 40, "run_id" },
	{ 60, "src_country" },
	{ 61, "dst_country" },
	{ 62, "src_city" },
	{ 63, "dst_city" },
	{ 64, "src_as_org" },
	{ 65, "dst_as_org" },
	{ 66, "src_mac_vendor" },
	{ 67, "dst_mac_vendor" },
	{ 80, "src_pid" },
	{ 81, "dst_pid" },
	{ 82, "src_process" },
	{ 83, "dst_process" },
	{ 84, "src_cgroup" },
	{ 85, "dst_cgroup" },
	{ 86, "src_cgroup_id" },
	{ 87, "dst_cgroup_id" },
	{ 88, "src_container" },
	{ 89, "dst_container" },
	{ 90, "src_pod_namespace" },
	{ 91, "dst_pod_namespace" },
	{ 92, "src_pod" },
	{ 93, "dst_pod" },
	{ 94, "src_pod_container" },
	{ 95, "dst_pod_container" },
	{ 96, "src_pod_labels" },
	{ 97, "dst_pod_labels" },
	{ 98, "system_process_pid" },
	{ 99, "system_process_name" },
	{ 120, "ingress_interface" },
	{ 121, "egress_interface" },
	{ 122, "netns" },
	{ 260, "total_packets" },
	{ 260, "bidirectional_packets" },
	{ 261, "total_bytes" },
	{ 261, "bidirectional_bytes" },
	{ 262, "bidirectional_packets_per_second" },
	{ 263, "bidirectional_bytes_per_second" },
	{ 272, "bidirectional_min_ps" },
	{ 273, "bidirectional_mean_ps" },
	{ 274, "bidirectional_stddev_ps" },
	{ 275, "bidirectional_max_ps" },
	{ 280, "bidirectional_min_piat_ms" },
	{ 281, "bidirectional_mean_piat_ms" },
	{ 282, "bidirectional_stddev_piat_ms" },
	{ 283, "bidirectional_max_piat_ms" },
	{ 288, "bidirectional_fin_packets" },
	{ 289, "bidirectional_syn_packets" },
	{ 290, "bidirectional_rst_packets" },
	{ 291, "bidirectional_psh_packets" },
	{ 292, "bidirectional_ack_packets" },
	{ 293, "bidirectional_urg_packets" },
	{ 294, "bidirectional_ece_packets" },
	{ 295, "bidirectional_cwr_packets" },
	{ 513, "src2dst_first_seen_ms" },
	{ 514, "src2dst_last_seen_ms" },
	{ 515, "src2dst_duration_ms" },
	{ 518, "src2dst_packets_per_second" },
	{ 519, "src2dst_bytes_per_second" },
	{ 528, "src2dst_min_ps" },
	{ 529, "src2dst_mean_ps" },
	{ 530, "src2dst_stddev_ps" },
	{ 531, "src2dst_max_ps" },
	{ 536, "src2dst_min_piat_ms" },
	{ 537, "src2dst_mean_piat_ms" },
	{ 538, "src2dst_stddev_piat_ms" },
	{ 539, "src2dst_max_piat_ms" },
	{ 550, "src2dst_ece_packets" },
	{ 551, "src2dst_cwr_packets" },
	{ 560, "src2dst_retransmitted_packets" },
	{ 561, "src2dst_out_of_order_packets" },
	{ 562, "src2dst_zero_window_packets" },
	{ 769, "dst2src_first_seen_ms" },
	{ 770, "dst2src_last_seen_ms" },
	{ 771, "dst2src_duration_ms" },
	{ 774, "dst2src_packets_per_second" },
	{ 775, "dst2src_bytes_per_second" },
	{ 784, "dst2src_min_ps" },
	{ 785, "dst2src_mean_ps" },
	{ 786, "dst2src_stddev_ps" },
	{ 787, "dst2src_max_ps" },
	{ 792, "dst2src_min_piat_ms" },
	{ 793, "dst2src_mean_piat_ms" },
	{ 794, "dst2src_stddev_piat_ms" },
	{ 795, "dst2src_max_piat_ms" },
	{ 806, "dst2src_ece_packets" },
	{ 807, "dst2src_cwr_packets" },
	{ 816, "dst2src_retransmitted_packets" },
	{ 817, "dst2src_out_of_order_packets" },
	{ 818, "dst2src_zero_window_packets" },
};

static void own_numbers_never_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		const struct field *f = record_field_by_name(own[i].name);

		if (!f)
			continue; /* the column is gone, its number stays taken */
		if (f->ipfix != IPFIX_OWN(own[i].id))
			fail_msg("%s is %u, not %u", f->name, IPFIX_ID(f->ipfix), own[i].id);
	}
}

static bool is_listed(const struct field *f)
{
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (IPFIX_OWN(own[i].id) == f->ipfix && !strcmp(own[i].name, f->name))
			return true;
	return false;
}

static void every_own_number_is_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++)
		if (IPFIX_IS_OWN(record_fields[i].ipfix) && !is_listed(&record_fields[i]))
			fail_msg("%s has no row in this test", record_fields[i].name);
}

/* 15 bits, and none of a plugin's. */
static void numbers_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *f = &record_fields[i];

		assert_in_range(IPFIX_ID(f->ipfix), 1, IPFIX_OWN_PLUGINS - 1);
		assert_true(IPFIX_IS_OWN(f->ipfix) || IPFIX_ENTERPRISE(f->ipfix) == 0 ||
			    IPFIX_ENTERPRISE(f->ipfix) == 29305);
	}
}

/* ip_src is src_ip in another form, which IPFIX does not have. */
static bool same_kind(const struct field *a, const struct field *b)
{
	return a->type == b->type || (a->type == FIELD_ADDR && b->type == FIELD_ADDR_NUMBER);
}

static void one_element_is_one_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct field *a = &record_fields[k], *b = &record_fields[i];

			if (a->ipfix == b->ipfix && (a->offset != b->offset || !same_kind(a, b)))
				fail_msg("%s and %s have one element", a->name, b->name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_numbers_never_change),
		cmocka_unit_test(every_own_number_is_listed),
		cmocka_unit_test(numbers_fit),
		cmocka_unit_test(one_element_is_one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
