/*
 * Garbage of AF_UNIX that the collector leaves, on the kernel that this runs on, with no delays:
 *
 *   unix_gc order    three sockets that are in flight in each other's queues, sent in the order
 *                    that matters, and in another
 *   unix_gc queue    a socket that is sent to itself while it is closed, with the collector at work
 *
 * It says how many sockets are left, and needs no privileges. What is left stays until the next
 * boot, or in the second case until somebody else makes a cycle, which this does in the end.
 *
 *   cc -O1 -pthread -o unix_gc scripts/provoke/unix_gc.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MANY = 200, TRIES = 20000 };

/* How many sockets of AF_UNIX there are. */
static int sockets(void)
{
	char line[512], name[64];
	int n = 0, size, count;
	FILE *f = fopen("/proc/net/protocols", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %d %d", name, &size, &count) == 3 && !strncmp(name, "UNIX", 4))
			n += count;
	if (f)
		fclose(f);
	return n;
}

static void pair(int type, int s[2])
{
	if (socketpair(AF_UNIX, type, 0, s)) {
		perror("socketpair");
		exit(1);
	}
}

/* Sends a descriptor so many times in one message. */
static void rights(int via, int fd, int n)
{
	int fds[MANY];
	char byte = 0, control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(fd)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	for (int i = 0; i < n; i++)
		fds[i] = fd;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(fd));
	memcpy(CMSG_DATA(c), fds, n * sizeof(fd));
	sendmsg(via, &msg, 0); /* EBADF if the descriptor is closed already: then this was no try */
}

/* Closes a socket that has nothing to do with the rest, which calls the collector. */
static void collect(void)
{
	int s[2];

	pair(SOCK_STREAM, s);
	close(s[0]);
	close(s[1]);
}

/* How many sockets there are more than before, when all has been done that is going to be. */
static int left(int before)
{
	int n = 1;

	for (int i = 0; i < 200 && n; i++) {
		if (i % 20 == 0)
			collect();
		usleep(2000);
		n = sockets() - before;
	}
	return n;
}

static int in_order(const char (*order)[2])
{
	int s[3][2], before = sockets();

	for (int i = 0; i < 3; i++)
		pair(SOCK_STREAM, s[i]);
	for (int i = 0; i < 4; i++) /* the first in the queue of the second */
		rights(s[order[i][1] - 'a'][1], s[order[i][0] - 'a'][0], 1);
	for (int i = 0; i < 3; i++) {
		close(s[i][0]);
		close(s[i][1]);
	}
	return left(before);
}

static int self, peer;
static atomic_int begun, ended;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *sender(void *unused)
{
	pin(0);
	for (int i = 1;; i++) {
		while (begun != i)
			usleep(50);
		rights(peer, self, MANY); /* waits for room */
		close(peer);
		ended = i;
	}
	return unused;
}

/* One try: the sender has the file, and waits; the socket is closed; the sender goes on. */
static void try(int i, int other, struct sockaddr_un *addr, socklen_t len)
{
	char data[1500] = { 0 };
	int s[2], size = 4608;

	pair(SOCK_DGRAM, s);
	self = s[0];
	peer = s[1];
	setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (sendto(peer, data, sizeof(data), MSG_DONTWAIT, (void *)addr, len) > 0)
		;
	begun = i;
	usleep(1000);
	close(self);
	collect();
	while (recv(other, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	while (ended != i) {
		collect();
		sched_yield();
	}
}

static int queue(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(addr);
	int s[2], other = socket(AF_UNIX, SOCK_DGRAM, 0), before, n = 0;
	pthread_t thread;

	/* Up to 6.18 the collector is called only if something is in flight. */
	pair(SOCK_STREAM, s);
	rights(s[1], other, 1);
	bind(other, (void *)&addr, sizeof(addr.sun_family));
	getsockname(other, (void *)&addr, &len);
	pin(1);
	pthread_create(&thread, NULL, sender, NULL);
	before = sockets();
	for (int i = 1; i <= TRIES && !n; i++) {
		try(i, other, &addr, len);
		n = left(before);
		if (n)
			printf("try %d: %d sockets left\n", i, n);
	}
	if (!n)
		return puts("nothing left"), 1;
	pair(SOCK_STREAM, s);
	rights(s[1], s[0], 1);
	close(s[0]);
	close(s[1]);
	printf("after another cycle: %d\n", left(before));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "queue"))
		return queue();
	if (argc == 2 && !strcmp(argv[1], "order")) {
		static const char first[][2] = { { 'c', 'a' }, { 'a', 'c' }, { 'a', 'b' }, { 'b', 'a' } };
		static const char last[][2] = { { 'c', 'a' }, { 'a', 'b' }, { 'a', 'c' }, { 'b', 'a' } };

		printf("a to c, then to b: %d sockets left\n", in_order(first));
		printf("a to b, then to c: %d sockets left\n", in_order(last));
		return 0;
	}
	fprintf(stderr, "usage: %s order|queue\n", argv[0]);
	return 2;
}
