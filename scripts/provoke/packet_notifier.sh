# shellcheck shell=bash disable=SC2034
# "bind" moves a socket away from dummy0, which "link" takes down. Delay 1 is in packet_do_bind(),
# which has taken the socket off its list, and bind_lock again. Since 4.20 no grace period ends
# while that is held, but a device that goes down waits for one before packet_notifier() is called.
# So delay 2 is there: it has "link" wait until "bind" has the lock. mended compares again with it.
# Delay 3 is the one of the report, where "link" has compared; then "bind" sleeps in a grace period.
#
#   link                 the socket is bound to all devices, does not run, and gets no packets
#   link, to lo          it is bound to lo, which is up, and gets none
#   link, no delay       all packets must come
#   link, swap, delay 1  here too: alone, and first, it is outlasted by the grace period
#   link, delay 2        here too: the notifier finds another device
#   link, pause          here too: bind() finds that the socket does not run, and does not wait
#   mended               here too
#
# Where they begin at once, but for up to 2 ms, "link" may come in that grace period:
#
#   link, delay 3        some sockets get no packets
#   plain                the tree as it is: one of some thousand, so there may be none
#   mended, both         there must be none
tape=packet-taken-off-another-list
file=af_packet
limit=1200 # of seconds, where the machine has other work
of_interest='init: (all|lost):'

provoke() {
	local af_packet=net/packet/af_packet.c

	build plain
	insert $af_packet '^#include "internal.h"' '#include <linux/kschedfuzz_delay.h>'
	insert $af_packet '^\t\t\trcu_read_lock();' \
		'\t\t\tkschedfuzz_delay(1, "bind", true);' '^static int packet_do_bind('
	insert $af_packet '^\trcu_read_lock();' \
		'\tif (msg == NETDEV_DOWN) kschedfuzz_delay(2, "link", false);' \
		'^static int packet_notifier('
	change $af_packet 1 '/^static int packet_notifier(/,/^}/{
			/case NETDEV_DOWN:/,/case NETDEV_UP:/{
				s/^\t*spin_lock(&po->bind_lock);/kschedfuzz_delay(3, "link", true);\n&/
			}
		}'
	build link
	change $af_packet 8 '/^static int packet_notifier(/,/^}/{
			s/^\t*spin_lock(&po->bind_lock);/&\
				if (dev->ifindex != po->ifindex) {\
					spin_unlock(\&po->bind_lock);\
					break;\
				}/
		}'
	build mended

	start link '' 0x6 && fails 'lost: .* device 0, running 0, .* 0 of 4 packets' 'init: done'
	start link to=1 0x6 && fails 'lost: .* device 1, running 0, .* 0 of 4 packets' 'init: done'
	start link '' 0x0 && passes 1 0
	start link swap=1 0x2 && passes 1
	start link '' 0x4 && passes 2
	start link pause=1000 0x6 && passes 2
	start mended '' 0x6 && passes 1

	local begin='pause=0 spread=2000'
	start link "rounds=100 ms=50 $begin" 0x8 && fails 'goes on from point 3' \
		'lost: .* device 0, running 0, .* 0 of 4 packets' 'init: done'
	count
	start mended "rounds=100 ms=50 $begin" 0x8 && fails 'goes on from point 3' && passes 1 0
	start plain "file= rounds=2000 $begin" 0x0 && fails 'init: done'
	count
	start mended "rounds=2000 $begin" 0x0 && passes 1 0
}
