# shellcheck shell=bash disable=SC2034
# An epoll instance ends together with the files that it watches. A tree with 8c2e52ebbe88, as
# 6.12.117 is, is the one that is mended; delays is the same without it, and without the grace
# period before the instance is freed, which came later. The delay is where mutex_unlock() goes on
# after it has released the mutex, since somebody waits.
#
#   3 tasks             the one that waits frees the instance: mutex_unlock() has to touch it
#   3 tasks, no delay   nothing must be reported
#   2 tasks             nor here: nobody waits, and mutex_unlock() does not come to the delay
#   3 tasks, pause      nor here: who waits sleeps on, as nobody takes the mutex during the delay
#   3 tasks, mended     nor here
#
# slow is as delays, but that "release" sleeps with the mutex, and delay 2 has "close" about to
# sleep.
#
#   2 tasks, alone      it frees the instance, as in the model: mutex_unlock() has to touch that
#   2 tasks, delay 1    nothing must be reported: who waits sleeps on
tape=eventpoll-unlock-after-free
file=mutex
of_interest=' mutex_unlock\+| __mutex_unlock_slowpath| eventpoll_release_file\+| ep_clear_and_put\+'

provoke() {
	insert kernel/locking/mutex.c '^#include "mutex.h"' '#include <linux/kschedfuzz_delay.h>'
	insert kernel/locking/mutex.c '^\traw_spin_lock(&lock->wait_lock);' \
		'\tkschedfuzz_delay(1, "release", false);' '__mutex_unlock_slowpath(.*[^;]$'
	build mended
	change fs/eventpoll.c 5 '/^static void ep_clear_and_put(/,/^}/{
			s/^\tmutex_unlock(&ep->mtx);/\tbool last = ep_refcount_dec_and_test(ep);\n&/
			s/if (ep_refcount_dec_and_test(ep))/if (last)/
		}
		/^void eventpoll_release_file(/,/^}/{
			s/dispose = ep_remove_epi(ep, epi)/& \&\& ep_refcount_dec_and_test(ep)/
			s/if (dispose && .*/if (dispose)/
		}
		s/kfree_rcu(ep, rcu);/kfree(ep);/'
	build delays
	insert fs/eventpoll.c '^#include .*rculist.h>' '#include <linux/delay.h>'
	insert fs/eventpoll.c '^\t\tmutex_unlock(&ep->mtx);' \
		'\t\tif (!strcmp(current->comm, "release")) msleep(300);' '^void eventpoll_release_file('
	insert kernel/locking/mutex.c '^\tset_current_state(state);' \
		'\tkschedfuzz_delay(2, "close", true);' '^__mutex_lock_common('
	build slow

	start delays tasks=3 0x2 &&
		fails 'BUG: KASAN: slab-use-after-free' '^ __mutex_unlock_slowpath' '^ eventpoll_release_file\+'
	start delays tasks=3 0x0 && passes 1 0
	start delays tasks=2 0x2 && passes 1 0
	start delays 'tasks=3 pause=2000' 0x2 && passes 1
	start mended tasks=3 0x2 && passes 1

	start slow 'tasks=2 alone=1' 0x6 &&
		fails 'BUG: KASAN: slab-use-after-free' '^ __mutex_unlock_slowpath' '^ ep_clear_and_put\+'
	start slow 'tasks=2 alone=1' 0x2 && passes 1
}
