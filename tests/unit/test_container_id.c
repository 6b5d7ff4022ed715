/* SPDX-License-Identifier: BSD-2-Clause */
/* Containers and pods in the paths of cgroups, as each runtime and cgroup driver writes them. */
#include "container_id.h"
#include "outputs.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID "8c5e2b3a-1d2f-4a5b-9c6d-7e8f90a1b2c3"

static void check(const char *path, const char *id, const char *uid)
{
	char found_id[CONTAINER_ID_SIZE], found_uid[POD_UID_SIZE];

	container_id(path, found_id);
	container_pod_uid(path, found_uid);
	assert_string_equal(found_id, id);
	assert_string_equal(found_uid, uid);
}

static void containers(void **state)
{
	(void)state;
	check("/system.slice/docker-" ID ".scope", ID, "");
	check("/docker/" ID, ID, "");
	check("/machine.slice/libpod-" ID ".scope/container", ID, "");
	check("/machine.slice/libpod-" ID ".scope", ID, "");
	check("/libpod_parent/libpod-" ID, ID, "");
	check("/system.slice/nerdctl-" ID ".scope", ID, "");
	check("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", ID,
	      "");
	/* systemd, or another runtime, in a container */
	check("/docker/" ID "/system.slice/ssh.service", ID, "");
	check("/docker/" ID "/docker/" ID2, ID2, "");
}

static void pods(void **state)
{
	(void)state;
	check("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8c5e2b3a_1d2f_4a5b_"
	      "9c6d_7e8f90a1b2c3.slice/cri-containerd-" ID ".scope",
	      ID, UID);
	check("/kubepods.slice/kubepods-pod8c5e2b3a_1d2f_4a5b_9c6d_7e8f90a1b2c3.slice/crio-" ID
	      ".scope",
	      ID, UID);
	check("/kubepods/burstable/pod" UID "/" ID, ID, UID);
	check("/kubepods/pod" UID, "", UID);
	/* a static pod's is a hash */
	check("/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/" ID, ID,
	      "0123456789abcdef0123456789abcdef");
	/* kind: a node in a container */
	check("/docker/" ID "/kubelet/kubepods/pod" UID "/" ID2, ID2, UID);
}

static void others(void **state)
{
	(void)state;
	check("", "", "");
	check("/", "", "");
	check("/system.slice/ssh.service", "", "");
	check("/machine.slice/libpod-conmon-" ID ".scope", "", "");
	check("/kubepods/pod" UID "/crio-conmon-" ID ".scope", "", UID);
	check("/docker/" ID "0", "", "");          /* a digit too many */
	check("/docker/0123456789abcdef", "", ""); /* too few */
	check("/x" ID, "", "");
	check("/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "", "");
	check("/other/pod" UID "/x", "", ""); /* of no kubelet */
	check("/kubepods/tripod" UID "/x", "", "");
	check("/kubepods/pod" UID "0/x", "", "");
	check("/kubepods/pod/podx", "", "");
	check("//" ID "//", ID, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers),
		cmocka_unit_test(pods),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
