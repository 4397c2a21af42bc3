/*
 * Two tasks do something to a socket, and then it is closed. Either "version" makes it one of
 * TPACKET_V1 while "rx_ring" sets up a ring for TPACKET_V3, whose timer fires every tov ms; or,
 * with group=1, "fanout" adds it to a group while "bind" binds it to another protocol, and there
 * are packets of the old one before it is closed, and after. With down=1 it is bound to a device
 * that is down, and there are none before, with none=1 to protocol 0; then it is the first of the
 * group, and else there is another. The second task comes after so many ms as pause says, and
 * before the first with swap=1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init.h"

static int fd, loopback;

static int open_socket(int protocol)
{
	int s = socket(AF_PACKET, SOCK_DGRAM, htons(protocol));

	if (s < 0)
		die("socket");
	return s;
}

/* Sets an option; it may be refused where the tasks come in another order. */
static void set(int s, int option, const void *value, socklen_t size)
{
	if (setsockopt(s, SOL_PACKET, option, value, size) && errno != EBUSY && errno != EINVAL)
		die("setsockopt");
}

static void set_version(int version)
{
	set(fd, PACKET_VERSION, &version, sizeof(version));
}

static void *to_v1(void *unused)
{
	prctl(PR_SET_NAME, "version");
	set_version(TPACKET_V1);
	return unused;
}

static void *set_ring(void *unused)
{
	struct tpacket_req3 ring = { .tp_block_size = 4096, .tp_block_nr = 1,
				     .tp_frame_size = 2048, .tp_frame_nr = 2,
				     .tp_retire_blk_tov = number("tov", 1000) };

	prctl(PR_SET_NAME, "rx_ring");
	set(fd, PACKET_RX_RING, &ring, sizeof(ring));
	return unused;
}

static void join(int s)
{
	int group = PACKET_FANOUT_LB << 16;

	set(s, PACKET_FANOUT, &group, sizeof(group));
}

static void *join_group(void *unused)
{
	prctl(PR_SET_NAME, "fanout");
	join(fd);
	return unused;
}

static void *bind_elsewhere(void *unused)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP) };

	if (number("down", 0)) {
		to.sll_protocol = htons(ETH_P_IP);
		to.sll_ifindex = loopback;
	}
	if (number("none", 0))
		to.sll_protocol = 0;
	prctl(PR_SET_NAME, "bind");
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINVAL)
		die("bind");
	return unused;
}

/* Looks for packets of another protocol than that which the socket is bound to. */
static void look_at_packets(void)
{
	struct sockaddr_ll bound, from;
	socklen_t size = sizeof(bound);
	char data;

	if (getsockname(fd, (struct sockaddr *)&bound, &size))
		die("getsockname");
	for (;;) {
		size = sizeof(from);
		if (recvfrom(fd, &data, 1, MSG_DONTWAIT, (struct sockaddr *)&from, &size) < 0)
			return;
		if (from.sll_protocol != bound.sll_protocol)
			printf("init: old data: a packet of %#x, bound to %#x\n",
			       ntohs(from.sll_protocol), ntohs(bound.sll_protocol));
	}
}

/* Switches the loopback device on or off. */
static void set_loopback(int flags)
{
	int s = open_socket(0);
	struct ifreq lo = { .ifr_name = "lo" };

	if (ioctl(s, SIOCGIFINDEX, &lo))
		die("SIOCGIFINDEX");
	loopback = lo.ifr_ifindex;
	lo.ifr_flags = flags;
	if (ioctl(s, SIOCSIFFLAGS, &lo))
		die("SIOCSIFFLAGS");
	close(s);
}

static void send_packets(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				  .sll_halen = ETH_ALEN, .sll_ifindex = loopback };
	int s = open_socket(0);

	for (int i = 0; i < 4; i++) {
		if (sendto(s, "packet", 6, 0, (struct sockaddr *)&to, sizeof(to)) != 6)
			die("sendto");
	}
	close(s);
}

static void both(void *(*first)(void *), void *(*second)(void *), int ms)
{
	pthread_t threads[2];
	int swap = number("swap", 0);

	if (pthread_create(&threads[0], NULL, swap ? second : first, NULL))
		die("pthread_create");
	usleep(1000 * number("pause", ms / 4));
	if (pthread_create(&threads[1], NULL, swap ? first : second, NULL))
		die("pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void ring(int ms)
{
	fd = open_socket(ETH_P_IP);
	set_version(TPACKET_V3);
	both(to_v1, set_ring, ms);
	close(fd);
	usleep(1000 * number("tov", 1000) + 200000);
}

static void fanout(int ms)
{
	int other = open_socket(ETH_P_IP);

	fd = open_socket(ETH_P_IP);
	set_loopback(0);
	if (!number("down", 0) && !number("none", 0))
		join(other);
	both(join_group, bind_elsewhere, ms);
	if (!number("down", 0)) {
		set_loopback(IFF_UP);
		send_packets();
		look_at_packets();
	}
	close(fd);
	set_loopback(IFF_UP);
	send_packets();
	close(other);
}

void one_round(int ms)
{
	if (number("group", 0))
		fanout(ms);
	else
		ring(ms);
}
