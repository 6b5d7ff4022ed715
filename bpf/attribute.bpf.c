/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who uses which socket, told when it changes: where a process connects, sends, receives or closes,
 * in its own context. Nothing here runs for a packet, and a call on a socket that is known costs a
 * look at the socket's storage.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.bpf.h"
#include "meter/attribute.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define NO_PROCESS 0 /* pid of the idle task, which holds nothing */

const volatile struct attribute_config attribute_config = {};

/* What the agent knows about a socket. */
struct told {
	__u32 pid;
	__u32 switches; /* from one process to another */
	__u64 when;     /* jiffies, which cost a load where a clock costs 20 ns */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct told);
} told SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} attributions SEC(".maps");

struct message {
	__u32 busy;
	__u32 zero;
	struct attribute_socket socket;
	char path[ATTRIBUTE_PATH_MAX + ATTRIBUTE_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct message);
} message SEC(".maps");

__u64 lost; /* messages that found no room; atomic */

/*
 * The last process that used a socket and was told, so that the next use by it costs as little as
 * can be: a word of both, at a place by the socket. The agent clears it now and then, for sockets
 * to be told of again.
 */
__u64 known[ATTRIBUTE_KNOWN];

/* --- cgroups ---------------------------------------------------------------------------------- */

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	struct kernfs_node___before_6_15 *old = (void *)node;

	if (bpf_core_field_exists(old->parent))
		return BPF_CORE_READ(old, parent);
	return BPF_CORE_READ(node, __parent);
}

/* Of the unified hierarchy; with cgroup v1 beside it, of the first with the task below its root. */
static __always_inline struct kernfs_node *group_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct kernfs_node *unified = BPF_CORE_READ(set, dfl_cgrp, kn), *node;
	__u32 count = bpf_core_field_size(set->subsys) / sizeof(void *);

	if (parent_of(unified))
		return unified;
	for (__u32 i = 0; i < 32 && i < count; i++) {
		struct cgroup_subsys_state *css = NULL;

		bpf_probe_read_kernel(&css, sizeof(css),
				      (void *)set + bpf_core_field_offset(set->subsys) +
					      i * sizeof(css));
		node = css ? BPF_CORE_READ(css, cgroup, kn) : NULL;
		if (node && parent_of(node))
			return node;
	}
	return unified;
}

static __always_inline void tell_group(struct message *m, struct task_struct *task)
{
	struct kernfs_node *node = group_of(task), *parent;
	__u32 used = 0;

	m->socket.cgroup_id = BPF_CORE_READ(node, id);
	for (__u32 i = 0; i < ATTRIBUTE_DEPTH; i++) {
		long length;

		parent = parent_of(node);
		if (!parent || used > ATTRIBUTE_PATH_MAX)
			break;
		length = bpf_probe_read_kernel_str(m->path + used, ATTRIBUTE_NAME_MAX,
						   BPF_CORE_READ(node, name));
		if (length <= 0 || length > ATTRIBUTE_NAME_MAX)
			break;
		used += length;
		node = parent;
	}
	m->socket.path_len = used;
}

/* --- processes and sockets -------------------------------------------------------------------- */

static __always_inline void tell_process(struct attribute_process *p, struct task_struct *leader)
{
	p->pid = BPF_CORE_READ(leader, tgid);
	p->zero = 0;
	p->start_ns = BPF_CORE_READ(leader, start_boottime);
	bpf_probe_read_kernel_str(p->name, sizeof(p->name), leader->comm);
}

static __always_inline void tell_ipv4(__u8 to[16], __be32 address)
{
	__u32 *words = (__u32 *)to;

	words[0] = words[1] = words[2] = 0;
	if (address)
		to[10] = to[11] = 0xff;
	words[3] = address;
}

static __always_inline void tell_ends(struct attribute_socket *to, struct sock *sk)
{
	struct sock_common *c = &sk->__sk_common;

	to->netns = BPF_CORE_READ(c, skc_net.net, ns.inum);
	to->local_port = BPF_CORE_READ(c, skc_num);
	to->remote_port = __builtin_bswap16(BPF_CORE_READ(c, skc_dport));
	to->protocol = BPF_CORE_READ(sk, sk_protocol);
	to->ipv4 = BPF_CORE_READ(c, skc_family) == AF_INET;
	if (to->ipv4) {
		tell_ipv4(to->local, BPF_CORE_READ(c, skc_rcv_saddr));
		tell_ipv4(to->remote, BPF_CORE_READ(c, skc_daddr));
		return;
	}
	BPF_CORE_READ_INTO(&to->local, c, skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&to->remote, c, skc_v6_daddr);
}

/* NULL, and one is lost: the message of this CPU is being written, by what this has interrupted. */
static __always_inline struct message *message_begin(struct task_struct *task, struct sock *sk,
						     __u64 cookie)
{
	__u32 zero = 0;
	struct message *m = bpf_map_lookup_elem(&message, &zero);

	if (!m || m->busy) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	m->busy = 1;
	__builtin_memset(&m->socket, 0, sizeof(m->socket));
	m->socket.type = ATTRIBUTE_SOCKET;
	m->socket.socket = cookie;
	m->socket.time_ns = bpf_ktime_get_ns();
	tell_process(&m->socket.process, task);
	tell_ends(&m->socket, sk);
	if (attribute_config.paths)
		tell_group(m, task);
	return m;
}

static __always_inline __u32 message_size(const struct message *m)
{
	__u32 path = m->socket.path_len;

	if (path > ATTRIBUTE_PATH_MAX + ATTRIBUTE_NAME_MAX - 8)
		path = 0;
	return sizeof(m->socket) + (path + 7) / 8 * 8;
}

/* The agent reads by a clock of its own. */
static __always_inline long send(void *data, __u32 size)
{
	long err = bpf_ringbuf_output(&attributions, data, size, BPF_RB_NO_WAKEUP);

	if (err)
		__sync_fetch_and_add(&lost, 1);
	return err;
}

static __always_inline int is_inet(const struct sock *sk)
{
	return sk->__sk_common.skc_family == AF_INET || sk->__sk_common.skc_family == AF_INET6;
}

/* A kernel thread works for nobody here. */
static __always_inline int is_kernel_thread(struct task_struct *task)
{
	return task->flags & PF_KTHREAD;
}

static __always_inline int is_fresh(const struct told *t)
{
	return bpf_jiffies64() - t->when < attribute_config.retell_jiffies;
}

/* 0: the agent knows that the process uses the socket. */
static __always_inline int tell(struct sock *sk, struct told *t, __u32 pid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct message *m;
	long err;

	if (is_kernel_thread(task))
		return -1;
	if (!t)
		t = bpf_sk_storage_get(&told, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (t && t->switches >= ATTRIBUTE_SWITCHES && is_fresh(t))
		return -1;
	m = message_begin(task->group_leader, sk, bpf_get_socket_cookie(sk));
	if (!m)
		return -1;
	if (t && t->pid != NO_PROCESS && t->pid != pid)
		t->switches++;
	m->socket.shared = t && t->switches >= ATTRIBUTE_SWITCHES;
	err = send(&m->socket, message_size(m));
	m->busy = 0;
	if (!t || err)
		return -1;
	t->pid = pid;
	/* A port that connect() has yet to choose is told when the socket is used next. */
	t->when = m->socket.local_port ? bpf_jiffies64() : 0;
	return t->when ? 0 : -1;
}

/* 22 bits of pid at most: PID_MAX_LIMIT; and 4 * 10^12 sockets. */
static __always_inline __u64 known_word(__u64 cookie, __u32 pid)
{
	return cookie << 22 | pid;
}

/* current uses the socket. */
static __always_inline int use(struct sock *sk)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 cookie, *word;
	struct told *t;

	cookie = sk->__sk_common.skc_cookie.counter;
	word = &known[cookie % ATTRIBUTE_KNOWN];
	if (*word == known_word(cookie, pid))
		return 0;
	if (!is_inet(sk))
		return 0;
	t = bpf_sk_storage_get(&told, sk, NULL, 0);
	if (!(t && t->pid == pid && is_fresh(t)) && tell(sk, t, pid))
		return 0;
	if (cookie) /* a new one is known from its next use on */
		*word = known_word(cookie, pid);
	return 0;
}

/* Arguments: socket, length or negative error, flags. */
SEC("tp_btf/sock_send_length") int on_send(__u64 *args)
{
	return (int)args[1] < 0 ? 0 : use((struct sock *)args[0]);
}

SEC("tp_btf/sock_recv_length") int on_receive(__u64 *args)
{
	return (int)args[1] < 0 ? 0 : use((struct sock *)args[0]);
}

/* Before Linux 6.3, which has the two above: TCP alone. Argument: socket. */
SEC("tp_btf/tcp_rcv_space_adjust") int on_tcp_receive(__u64 *args)
{
	return use((struct sock *)args[0]);
}

/*
 * connect() is where a connection begins. A state that only close() leads to tells who had a
 * connection and never used it; whoever used one before is not asked. Arguments: socket, states.
 */
SEC("tp_btf/inet_sock_set_state") int on_state(__u64 *args)
{
	struct sock *sk = (struct sock *)args[0];
	int old = args[1], state = args[2];

	if (state == TCP_SYN_SENT)
		return use(sk);
	if (!(old == TCP_ESTABLISHED && state == TCP_FIN_WAIT1) &&
	    !(old == TCP_CLOSE_WAIT && state == TCP_LAST_ACK))
		return 0;
	return bpf_sk_storage_get(&told, sk, NULL, 0) ? 0 : use(sk);
}

/* Arguments: task, name. */
SEC("tp_btf/task_rename") int on_rename(__u64 *args)
{
	struct task_struct *task = (struct task_struct *)args[0];
	struct attribute_rename rename = { .type = ATTRIBUTE_RENAME };

	if (is_kernel_thread(task) || task->pid != task->tgid)
		return 0;
	tell_process(&rename.process, task);
	bpf_probe_read_kernel_str(rename.process.name, sizeof(rename.process.name),
				  (const char *)args[1]);
	send(&rename, sizeof(rename));
	return 0;
}

/* Who holds which socket already. Threads of a process share its files: one tells. */
SEC("iter/task_file") int list_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct message *m;
	struct sock *sk;

	if (!task || !file || task->pid != task->tgid)
		return 0;
	socket = bpf_sock_from_file(file);
	sk = socket ? socket->sk : NULL;
	if (!sk || !is_inet(sk))
		return 0;
	m = message_begin(task, sk, bpf_get_socket_cookie(sk));
	if (!m)
		return 0;
	bpf_seq_write(ctx->meta->seq, &m->socket, message_size(m));
	m->busy = 0;
	return 0;
}
