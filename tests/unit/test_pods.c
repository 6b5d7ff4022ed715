/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of pods and containers from the kubelet's directories of logs. */
#include <ftw.h>

#include "outputs.h"
#include "pods.h"

#define UID "8c5e2b3a-1d2f-4a5b-9c6d-7e8f90a1b2c3"
#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char top[64];

static void make(const char *format, const char *a, const char *b)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "%s/", top);

	snprintf(path + n, sizeof(path) - n, format, a, b);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void drop_pod(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/pods/%s", top, name);
	assert_int_equal(rmdir(path), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/weir-pods-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	make("pods", "", "");
	make("containers", "", "");
	return 0;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(top, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static struct pods *open_pods(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/pods", top);
	return pods_new(path, NULL);
}

static void check(struct pods *p, const char *uid, const char *id, const char *namespace,
		  const char *name, const char *container)
{
	struct pod_names found;

	pods_find(p, uid, id, &found);
	assert_string_equal(found.namespace, namespace);
	assert_string_equal(found.name, name);
	assert_string_equal(found.container, container);
	assert_string_equal(found.labels, "");
}

static void names(void **state)
{
	struct pods *p;

	(void)state;
	make("pods/%s_" UID, "shop_cart-7d4b9c-x2v5p", "");
	make("pods/%s_" UID "/%s", "shop_cart-7d4b9c-x2v5p", "app");
	make("pods/kube-system_proxy_%s%s", "1", "");
	make("pods/kube-system_proxy_%s/%s", "1", "one");
	make("pods/kube-system_proxy_%s/%s", "1", "two");
	make("pods/%s_%s", "odd\x1b_pod\xff", "3");
	make("pods/%s_3/%s", "odd\x1b_pod\xff", "in\x1b");
	make("pods/%s%s", "lost+found", "");
	make("pods/%s%s", "no_uid_", "");
	make("pods/%s%s", "noname_2", "");
	make("containers/proxy_kube-system_two-%s.log%s", ID, "");
	make("containers/%s%s", "not-a-log", "");
	p = open_pods();
	check(p, UID, "", "shop", "cart-7d4b9c-x2v5p", "app"); /* the only one */
	check(p, "1", "", "kube-system", "proxy", "");
	check(p, "1", ID, "kube-system", "proxy", "two");
	check(p, "3", "", "odd?", "pod?", "in?");
	check(p, "2", "", "", "", "");
	check(p, "", "", "", "", "");
	pods_free(p);
}

/* What was found is known for ever; what was not is looked for again only after a while. */
static void new_pods(void **state)
{
	struct pods *p = open_pods();

	(void)state;
	check(p, "1", "", "", "", "");
	make("pods/a_b_%s%s", "1", "");
	check(p, "1", "", "", "", "");
	pods_free(p);
	p = open_pods();
	check(p, "1", "", "a", "b", "");
	drop_pod("a_b_1");
	check(p, "1", "", "a", "b", "");
	pods_free(p);
}

static void no_directory(void **state)
{
	struct pods *p = pods_new("/nonexistent/pods", "/nonexistent/account");

	(void)state;
	check(p, UID, ID, "", "", "");
	pods_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(new_pods, setup, teardown),
		cmocka_unit_test(no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
