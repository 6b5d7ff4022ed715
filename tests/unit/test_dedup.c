/* SPDX-License-Identifier: BSD-2-Clause */
/* --dedup: which of the interfaces that a packet crosses counts it, and when that changes. */
#include "meter_rig.h"

#include "meter/dedup.h"
#include "watch_list.h"

#define A METER_PLACE(1, 0)
#define B METER_PLACE(2, 1)

static struct rig rig;
static struct watch_list *list;

static int open_rig(void **state)
{
	(void)state;
	rig_init(&rig);
	rig_open(&rig);
	list = watch_list_new(2, 0);
	assert_true(watch_list_put(list, 1, 11, "a", ""));
	assert_true(watch_list_put(list, 2, 12, "b", ""));
	host_meter_set_dedup(rig.meter, list);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_free(&rig);
	watch_list_free(list);
	return 0;
}

static uint64_t ms(uint64_t count)
{
	return RIG_T0 + count * RIG_SECOND / 1000;
}

static void meet(uint32_t place, int from_server, uint64_t time_ns)
{
	struct packet p = rig_packet_of(1000, from_server, time_ns, 17);

	p.place = place;
	rig_packet(&rig, &p);
}

static void counted(uint64_t metered, uint64_t duplicates)
{
	assert_int_equal(rig.ledger.value[COUNTER_METERED], metered);
	assert_int_equal(rig.ledger.value[COUNTER_IGNORED_DUPLICATE], duplicates);
}

static void once_by_direction(void **state)
{
	(void)state;
	meet(A, 0, ms(0));
	meet(B, 0, ms(1));
	meet(B, 1, ms(2)); /* the answer comes from the other side */
	meet(A, 1, ms(3));
	counted(2, 2);
	rig_close(&rig);
	assert_row(&rig.rows[0], 1000, 1, 1, FLOW_END_FORCED);
}

static void silence(void **state)
{
	(void)state;
	meet(A, 0, ms(0));
	meet(B, 0, ms(999));
	counted(1, 1);
	meet(B, 0, ms(1000)); /* A has counted nothing for a second */
	meet(A, 0, ms(1001));
	meet(B, 0, ms(1002));
	counted(3, 2);
	rig_close(&rig);
}

static void gone(void **state)
{
	(void)state;
	meet(A, 0, ms(0));
	watch_list_remove(list, 1);
	meet(B, 0, ms(1));
	counted(2, 0);
	rig_close(&rig);
}

/* A cut amid the packets of a flow changes nothing: what crosses B was counted at A. */
static void cut(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 3000; i++) { /* the active timeout is 1,800 s */
		meet(A, 0, ms(i * 601));
		meet(A, 1, ms(i * 601 + 300)); /* one of these finds the flow too old */
		meet(B, 0, ms(i * 601 + 302));
		meet(B, 1, ms(i * 601 + 303));
	}
	counted(6000, 6000);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 2);
	assert_int_equal(rig.rows[0].packets + rig.rows[1].packets, 6000);
}

/* A flow that was idle begins anew, where it is met first by then. */
static void idle(void **state)
{
	(void)state;
	meet(A, 0, ms(0));
	meet(B, 0, ms(121000));
	meet(A, 0, ms(121001));
	counted(2, 1);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(once_by_direction, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(silence, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(gone, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(cut, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(idle, open_rig, close_rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
