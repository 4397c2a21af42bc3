/*
 * "link" takes dummy0 down while "bind" binds a socket that is bound to it to all devices, or with
 * to=1 to the device of that number, lo. Then there are packets of lo, which is up throughout. The
 * second task comes after so many ms as pause says, and before the first with swap=1.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

#define PACKETS 4

static int fd;

static int open_socket(int protocol)
{
	int s = socket(AF_PACKET, SOCK_DGRAM, htons(protocol));

	if (s < 0)
		die("socket");
	return s;
}

/* Switches a device on or off, and tells its number. */
static int set_device(const char *name, int flags)
{
	int s = open_socket(0);
	struct ifreq device = {};

	snprintf(device.ifr_name, sizeof(device.ifr_name), "%s", name);
	device.ifr_flags = flags;
	if (ioctl(s, SIOCSIFFLAGS, &device))
		die("SIOCSIFFLAGS");
	if (ioctl(s, SIOCGIFINDEX, &device))
		die("SIOCGIFINDEX");
	close(s);
	return device.ifr_ifindex;
}

static void bind_to(int device)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = device };

	if (bind(fd, (struct sockaddr *)&to, sizeof(to)))
		die("bind");
}

static void *link_down(void *unused)
{
	prctl(PR_SET_NAME, "link");
	set_device("dummy0", 0);
	return unused;
}

static void *bind_elsewhere(void *unused)
{
	prctl(PR_SET_NAME, "bind");
	bind_to(number("to", 0));
	return unused;
}

/* What /proc/net/packet has in column R of the socket, which is the only one. */
static int running(void)
{
	FILE *sockets = fopen("/proc/net/packet", "r");
	char line[256];
	int runs = -1;

	if (!sockets)
		die("/proc/net/packet");
	while (fgets(line, sizeof(line), sockets))
		sscanf(line, "%*s %*d %*d %*x %*d %d", &runs);
	fclose(sockets);
	return runs;
}

/* How many packets of lo come. */
static int packets(int loopback)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				  .sll_halen = ETH_ALEN, .sll_ifindex = loopback };
	int s = open_socket(0), come = 0;
	char data;

	for (int i = 0; i < PACKETS; i++) {
		if (sendto(s, "packet", 6, 0, (struct sockaddr *)&to, sizeof(to)) != 6)
			die("sendto");
	}
	close(s);
	usleep(20000);
	while (recv(fd, &data, 1, MSG_DONTWAIT) > 0)
		come++;
	return come;
}

static void look(const char *when, int loopback)
{
	struct sockaddr_ll bound;
	socklen_t size = sizeof(bound), error_size = sizeof(int);
	int runs = running(), error, come;

	if (getsockname(fd, (struct sockaddr *)&bound, &size))
		die("getsockname");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size))
		die("SO_ERROR");
	come = packets(loopback);
	printf("init: %s: %s, device %d, running %d, error %d, %d of %d packets\n",
	       come == PACKETS ? "all" : "lost", when, bound.sll_ifindex, runs, error, come, PACKETS);
}

void one_round(int ms)
{
	void *(*tasks[2])(void *) = { link_down, bind_elsewhere };
	int loopback = set_device("lo", IFF_UP), dummy = set_device("dummy0", IFF_UP);
	int swap = number("swap", 0);
	pthread_t threads[2];

	if (!mkdir("/proc", 0555) && mount("proc", "/proc", "proc", 0, NULL))
		die("proc");
	fd = open_socket(ETH_P_IP);
	bind_to(dummy);
	if (pthread_create(&threads[0], NULL, tasks[swap], NULL))
		die("pthread_create");
	usleep(1000 * number("pause", ms / 2));
	if (pthread_create(&threads[1], NULL, tasks[!swap], NULL))
		die("pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	look("after both", loopback);
	set_device("dummy0", IFF_UP);
	bind_to(number("to", 0));
	look("bound to the same", loopback);
	bind_to(dummy);
	bind_to(number("to", 0));
	look("bound to another and back", loopback);
	close(fd);
}
