#pragma clang diagnostic ignored "-Wunused-parameter"
__noinline int filter_xdp(struct xdp_md *ctx, struct window *w, __u32 len)
{
	return w && len;
}
__noinline int filter_tc(struct __sk_buff *ctx, struct window *w, __u32 len)
{
	return w && len;
}
__noinline int filter_tc_l3(struct __sk_buff *ctx, struct window *w, __u32 len)
{
	return w && len;
}
