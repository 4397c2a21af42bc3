# shellcheck shell=bash disable=SC2034
# A tree of 4.17 has the fixes. ring is the same without 84ac7260236a: neither PACKET_VERSION nor
# the looks of packet_set_ring() at tp_version have lock_sock(). version and set_ring are it
# without one of the two. Delay 1 is between what PACKET_VERSION looks at and what it writes.
#
#   ring                the timer is in a socket that is freed
#   ring, tov=1         before that it fires, and looks at the ring, which is freed first
#   ring, no delay      nothing must be reported
#   ring, swap          nor where the version is looked at when the ring is there
#   ring, pause         nor where the ring comes when the version has changed
#   fixed               nor in the tree as it is
#   version, set_ring   either alone fails, too
#
# group is the tree without 008ba2a13f2d and 4971613c1639: fanout_add() has no bind_lock, nor has
# the look of packet_do_bind() at po->fanout. Only the last is missing in bind. Delay 1, in
# __dev_remove_pack(), is where fanout_add() has taken the socket off its list.
#
#   group               the socket is in its group twice, and a packet finds it there when it is freed
#   group, down         it is there and does not run: a packet finds the group, which is freed
#   group, no delay     nothing must be reported
#   group, swap         nor where the socket is bound when it is to join the group
#   group, pause        nor where it is in the group when it is to be bound
#   group, none         nor with protocol 0, for which bind() takes that of the socket
#   fixed               nor in the tree as it is
#   bind                the socket gets packets of the protocol that it was bound to, and no more
tape='packet-version-changed packet-freed-in-group'
of_interest=' packet_release\+| free_pg_vec\+| not found|old data:'

provoke() {
	local af_packet=net/packet/af_packet.c

	insert $af_packet '^#include "internal.h"' '#include <linux/kschedfuzz_delay.h>'
	insert $af_packet 'po->tp_version = val;' '\t\t\tkschedfuzz_delay(1, "version", false);'
	insert net/core/dev.c '^#include "net-sysfs.h"' '#include <linux/kschedfuzz_delay.h>'
	insert net/core/dev.c '^\tspin_unlock(&ptype_lock);' \
		'\tkschedfuzz_delay(1, "fanout", true);' '^void __dev_remove_pack('
	build fixed
	cp "$tree/$af_packet" "$work/fixed"
	change $af_packet 2 '/^\tcase PACKET_VERSION:/,/^\tcase PACKET_RESERVE:/{
			s/\(lock\|release\)_sock(sk);/;/
		}'
	build version
	change $af_packet 6 '/^\tcase PACKET_RX_RING:/,/^\tcase PACKET_COPY_THRESH:/{
			s/\(lock\|release\)_sock(sk);/;/
		}
		/^static int packet_release(/,/^}/s/\(lock\|release\)_sock(sk);/;/
		s/^\t\/\* Detach socket from network/\tlock_sock(sk);\n&/
		s/^\tif (pg_vec)$/\trelease_sock(sk);\n&/'
	build ring
	change $af_packet 2 '/^\tcase PACKET_VERSION:/,/^\tcase PACKET_RESERVE:/{
			s/^\t\tif (po->rx_ring.pg_vec ||/\t\tlock_sock(sk);\n&/
			s/^\t\treturn ret;/\t\trelease_sock(sk);\n&/
		}'
	build set_ring
	cp "$work/fixed" "$tree/$af_packet"
	change $af_packet 3 '/^static int packet_do_bind(/,/^}/{
			s/^\tif (po->fanout) {/\tif (0) {/
			s/^\tlock_sock(sk);/\tif (po->fanout)\n\t\treturn -EINVAL;\n&/
		}'
	build bind
	change $af_packet 7 '/^static int fanout_add(/,/^}/{
			s/spin_\(un\)\?lock(&po->bind_lock);/;/
			s/^\terr = -EALREADY;/\terr = -EINVAL;\n\tif (!po->running)\n\t\tgoto out;\n&/
			s/if (po->running &&/if (/
			s/if (err && !refcount_read(&match->sk_ref))/if (0)/
		}'
	build group

	file=af_packet
	local timers='run_timer_softirq|__collect_expired_timers|expire_timers'
	start ring '' 0x2 &&
		fails "BUG: KASAN: use-after-free in ($timers)" '^ __sk_destruct\+' '^ packet_release\+'
	start ring tov=1 0x2 && fails \
		'BUG: KASAN: use-after-free in prb_retire_rx_blk_timer_expired' '^ free_pg_vec\+'
	start ring '' 0x0 && passes 1 0
	start ring swap=1 0x2 && passes 1 0
	start ring pause=1000 0x2 && passes 1
	start fixed '' 0x2 && passes 1
	start version '' 0x2 && fails "BUG: KASAN: use-after-free in ($timers)" '^ __sk_destruct\+'
	start set_ring '' 0x2 && fails "BUG: KASAN: use-after-free in ($timers)" '^ __sk_destruct\+'

	file=dev
	start group group=1 0x2 && fails 'init: old data:' \
		'BUG: KASAN: use-after-free in packet_rcv_fanout' '^ __sk_destruct\+' '^ packet_release\+'
	start group 'group=1 down=1' 0x2 && fails \
		'BUG: KASAN: use-after-free in (deliver_ptype_list_skb|__netif_receive_skb_core)' \
		'^ kfree\+' '^ packet_release\+'
	start group group=1 0x0 && passes 1 0
	start group 'group=1 swap=1' 0x2 && passes 1 0
	start group 'group=1 pause=1000' 0x2 && passes 1
	start group 'group=1 none=1' 0x2 && passes 1
	start fixed group=1 0x2 && passes 1
	start bind group=1 0x2 && fails 'init: old data:' 'init: done'
	if grep -a -q BUG: "$log"; then
		echo "it did not fail so, but more" >&2
		exit 1
	fi
}
