# shellcheck shell=bash disable=SC2034
# A process exits while RCU counts its contexts down, of which there are so many:
#
#   4 contexts              a full table: complete() has to touch a stack frame that is gone
#   4 contexts, delay 1     nothing must be reported, since the second preemption is missing
#   4 contexts, delay 2     nor here, where the first is
#   3 contexts              nor here: one slot is empty
#   4 contexts, mended      nor here: exit_aio() counts itself, which is variant m4
tape=aio-exit-full-table
file=aio
of_interest=' complete\+| free_ioctx_reqs\+'

provoke() {
	insert fs/aio.c '^#include "internal.h"' '#include <linux/kschedfuzz_delay.h>'
	insert fs/aio.c 'atomic_sub_and_test(skipped' '\tkschedfuzz_delay(1, "exit", false);'
	insert fs/aio.c 'complete(&ctx->rq_wait->comp)' '\t\t{ kschedfuzz_delay(2, NULL, true);'
	change fs/aio.c 1 's/complete(&ctx->rq_wait->comp);/& }/'
	build delays
	change fs/aio.c 2 's/atomic_set(&wait.count, table->nr)/atomic_set(\&wait.count, table->nr + 1)/
		s/^\tskipped = 0;/\tskipped = 1;/'
	build mended

	start delays contexts=4 0x6 && fails 'BUG:|Oops:' ' complete\+' ' free_ioctx_reqs\+'
	start delays contexts=4 0x2 && passes 1
	start delays contexts=4 0x4 && passes 2
	start delays contexts=3 0x6 && passes 1
	start mended contexts=4 0x6 && passes 1
}
