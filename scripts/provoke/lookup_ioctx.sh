# shellcheck shell=bash disable=SC2034
# io_getevents() has found a context, and io_destroy() takes it away before the count is taken. A
# tree of 4.17 has both fixes. 1e is the same without baf10564fbb6: whoever has found a context
# takes the count, also from 0. 1d is that without a6d7cff472e0, too: it is freed without an RCU
# delay. The first delay is in lookup_ioctx(), before the count is taken, the other where
# io_getevents() uses the context, after the RCU section.
#
#   1e                  the count is taken from 0, and the context freed with it: a use after free
#   1e, no delay        nothing must be reported
#   1e, delay 1         io_getevents() drops the count to 0 again: what was killed is killed once more
#   1e, delay 2         nothing must be reported: the count was taken in time
#   1d, delay 1         a use after free in lookup_ioctx()
#   1f                  the tree as it is: nothing must be reported
#   1e-merged           nor in 1e without CONFIG_PREEMPT: no grace period ends in lookup_ioctx()
tape=aio-1e-freed-after-unlock
file=aio
of_interest=' lookup_ioctx\+| aio_read_events_ring\+| aio_read_events\+| free_ioctx\+'

provoke() {
	insert fs/aio.c '^#include "internal.h"' '#include <linux/kschedfuzz_delay.h>'
	insert fs/aio.c 'if (percpu_ref_tryget_live(&ctx->users))' \
		'\t\tkschedfuzz_delay(1, "io_getevents", true);'
	insert fs/aio.c '^\tmutex_lock(&ctx->ring_lock);' \
		'\tkschedfuzz_delay(2, "io_getevents", false);' '^static long aio_read_events_ring('
	build 1f
	change fs/aio.c 1 's/if (percpu_ref_tryget_live(&ctx->users))/percpu_ref_get(\&ctx->users);/'
	build 1e
	change fs/aio.c 2 's/INIT_RCU_WORK(&ctx->free_rwork,/INIT_WORK(\&ctx->free_rwork.work,/
		s/queue_rcu_work(system_wq, &ctx->free_rwork)/schedule_work(\&ctx->free_rwork.work)/'
	build 1d
	change fs/aio.c 2 's/INIT_WORK(&ctx->free_rwork.work,/INIT_RCU_WORK(\&ctx->free_rwork,/
		s/schedule_work(&ctx->free_rwork.work)/queue_rcu_work(system_wq, \&ctx->free_rwork)/'
	"$tree/scripts/config" --file "$tree/.config" -d PREEMPT -e PREEMPT_NONE
	make -s -C "$tree" olddefconfig >>"$work/config.log" 2>&1
	build 1e-merged

	start 1e '' 0x6 && fails 'BUG: KASAN: use-after-free in mutex_lock' '^ aio_read_events(_ring)?\+'
	start 1e '' 0x0 && passes 1 0
	start 1e '' 0x2 && fails 'WARNING: .* percpu_ref_kill_and_confirm'
	start 1e '' 0x4 && passes 2
	start 1d '' 0x2 && fails 'BUG: KASAN: use-after-free in percpu_ref_get' '^ lookup_ioctx\+'
	start 1f '' 0x6 && passes 1
	start 1e-merged '' 0x6 && passes 1
}
