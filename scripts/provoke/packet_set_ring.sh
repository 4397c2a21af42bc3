# shellcheck shell=bash disable=SC2034
# "rx_ring" sets up a ring for a socket that is bound to lo, which "link" takes up meanwhile. There
# is no delay: "rx_ring" sleeps for a grace period, and that is long enough. before is the tree
# without 01d3c8417b9c, and in mended packet_set_ring() puts back a socket whose device is up.
#
#   plain                 in some rounds the socket gets no packets, though both begin at once
#   plain, tx             it is so with a ring for sending
#   plain, dummy          and with dummy0, for all packets
#   plain, spread         and where one of the two has slept for up to 20 ms
#   plain, late=100000    all packets must come where the ring is there when the device comes up
#   plain, late=-100000   and where the device is up
#   before, mended        and here
tape=
file=
config=packet_notifier
limit=1200 # of seconds, where the machine has other work
of_interest='init: (all|lost):'

# lost setting: in some of a hundred rounds there are no packets, until the socket is bound anew or
# the device comes up once more
lost() {
	start plain "rounds=100 $1" 0x0
	fails 'lost: after both, .* running 0, error 0, 0 of 4 packets' \
		'lost: later, .* 0 of 4 packets' 'lost: bound to the same, .* 0 of 4 packets' \
		'all: bound to another and back' 'all: down and up' 'init: done'
	if grep -a -E -q 'lost: (bound to another|down)|BUG:|Oops:|WARNING:' "$log"; then
		echo "it did not fail so, but more" >&2
		exit 1
	fi
	count
}

provoke() {
	local af_packet=net/packet/af_packet.c

	build plain
	cp "$tree/$af_packet" "$work/plain"
	change $af_packet 2 '/^static int packet_set_ring(/,/^}/{
			s/^\tWRITE_ONCE(po->num, 0);/\tif (was_running)\n\t&/
		}'
	build before
	cp "$work/plain" "$tree/$af_packet"
	change $af_packet 2 '/^static int packet_set_ring(/,/^}/{
			s/^\tif (was_running && .*/\tif (num \&\& READ_ONCE(po->ifindex) != -1 \&\&\
				(!po->prot_hook.dev || po->prot_hook.dev->flags \& IFF_UP))/
		}'
	build mended

	lost ''
	lost tx=1
	lost dummy=1
	lost spread=20000
	start plain 'rounds=100 late=100000' 0x0 && passes 1 0
	start plain 'rounds=100 late=-100000' 0x0 && passes 1 0
	for kernel in before mended; do
		start $kernel rounds=300 0x0 && passes 1 0
		start $kernel 'rounds=300 spread=20000' 0x0 && passes 1 0
	done
}
