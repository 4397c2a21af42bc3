/*
 * "link" takes lo up while "rx_ring" sets up a ring for a socket that is bound to it, with tx=1 one
 * for sending. They go on from a barrier, and "link" sleeps first for so many us as late says, more
 * or less by up to spread; where that is less than 0, "rx_ring" does. With dummy=1 the device is
 * dummy0, and the socket one for all protocols, which gets what is sent.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init.h"
#include "packet.h"

static int fd;

static const char *device(void)
{
	return number("dummy", 0) ? "dummy0" : "lo";
}

static void link_up(void)
{
	set_device(device(), IFF_UP);
}

static void set_ring(void)
{
	struct tpacket_req ring = { .tp_block_size = 4096, .tp_block_nr = 16,
				    .tp_frame_size = 2048, .tp_frame_nr = 32 };

	if (setsockopt(fd, SOL_PACKET, number("tx", 0) ? PACKET_TX_RING : PACKET_RX_RING, &ring,
		       sizeof(ring)))
		die("setsockopt");
}

void one_round(int ms)
{
	static const struct task ring = { "rx_ring", set_ring }, link = { "link", link_up };
	int protocol = number("dummy", 0) ? ETH_P_ALL : ETH_P_IP;
	int index = set_device(device(), 0), us = late(number("late", 0)), down;
	static int losses;
	socklen_t size = sizeof(down);

	fd = open_socket(0);
	bind_to(fd, protocol, index);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &down, &size)) /* which bind() has told */
		die("SO_ERROR");
	both(&ring, &link, us);
	if (!look(fd, after_both(us), index)) {
		if (!losses++) {
			usleep(1000 * ms);
			look(fd, "later", index);
		}
		bind_to(fd, protocol, index);
		look(fd, "bound to the same", index);
		if (losses % 2) {
			bind_to(fd, ETH_P_ARP, index);
			bind_to(fd, protocol, index);
			look(fd, "bound to another and back", index);
		} else {
			set_device(device(), 0);
			set_device(device(), IFF_UP);
			look(fd, "down and up", index);
		}
	}
	close(fd);
}
