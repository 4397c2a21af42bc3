#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"
#include "packet.h"

struct start {
	const struct task *task;
	int us;
	pthread_barrier_t *barrier;
};

static void *begin(void *data)
{
	const struct start *start = data;

	prctl(PR_SET_NAME, start->task->name);
	pthread_barrier_wait(start->barrier);
	if (start->us > 0)
		usleep(start->us);
	start->task->run();
	return NULL;
}

void both(const struct task *first, const struct task *second, int us)
{
	pthread_barrier_t barrier;
	struct start starts[2] = { { first, -us, &barrier }, { second, us, &barrier } };
	pthread_t threads[2];

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++) {
		if (pthread_create(&threads[i], NULL, begin, &starts[i]))
			die("pthread_create");
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

int late(int us)
{
	int spread = number("spread", 0);

	return us + rand() % (2 * spread + 1) - spread;
}

const char *after_both(int us)
{
	static char text[64];

	if (!number("spread", 0))
		return "after both";
	snprintf(text, sizeof(text), "after both, %d us late", us);
	return text;
}

int open_socket(int protocol)
{
	int s = socket(AF_PACKET, SOCK_DGRAM, htons(protocol));

	if (s < 0)
		die("socket");
	return s;
}

int set_device(const char *name, int flags)
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

void bind_to(int s, int protocol, int device)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol),
				  .sll_ifindex = device };

	if (bind(s, (struct sockaddr *)&to, sizeof(to)))
		die("bind");
}

/* What /proc/net/packet has in column R of the socket, which is the only one. */
static int running(void)
{
	FILE *sockets;
	char line[256];
	int runs = -1;

	if (!mkdir("/proc", 0555) && mount("proc", "/proc", "proc", 0, NULL))
		die("proc");
	sockets = fopen("/proc/net/packet", "r");
	if (!sockets)
		die("/proc/net/packet");
	while (fgets(line, sizeof(line), sockets))
		sscanf(line, "%*s %*d %*d %*x %*d %d", &runs);
	fclose(sockets);
	return runs;
}

/* How many packets the socket has counted since, with a ring or without. */
static int counted(int s)
{
	struct tpacket_stats_v3 stats = {};
	socklen_t size = sizeof(stats);

	if (getsockopt(s, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		die("PACKET_STATISTICS");
	return stats.tp_packets;
}

/* How many packets of the device come. */
static int packets(int s, int device)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				  .sll_halen = ETH_ALEN, .sll_ifindex = device };
	int sender = open_socket(0), come;

	counted(s);
	for (int i = 0; i < PACKETS; i++) {
		if (sendto(sender, "packet", 6, 0, (struct sockaddr *)&to, sizeof(to)) != 6)
			die("sendto");
	}
	close(sender);
	come = counted(s);
	for (int ms = 0; come < PACKETS && ms < 20; ms++) {
		usleep(1000);
		come += counted(s);
	}
	return come;
}

int look(int s, const char *when, int device)
{
	struct sockaddr_ll bound;
	socklen_t size = sizeof(bound), error_size = sizeof(int);
	int runs = running(), error, come;

	if (getsockname(s, (struct sockaddr *)&bound, &size))
		die("getsockname");
	if (getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &error_size))
		die("SO_ERROR");
	come = packets(s, device);
	printf("init: %s: %s, device %d, running %d, error %d, %d of %d packets\n",
	       come == PACKETS ? "all" : "lost", when, bound.sll_ifindex, runs, error, come, PACKETS);
	return come == PACKETS;
}
