/*
 * "io_getevents" looks a context up that "io_destroy" destroys, on the other processor. A neighbour
 * of the first is always ready to run, so that it is preempted while it is delayed, as it would be
 * where there is work. Else grace periods of RCU-sched may outlast the delay.
 */
#define _GNU_SOURCE
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

static aio_context_t ctx;
static volatile int stop;

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void *neighbour(void *unused)
{
	run_on(0);
	while (!stop)
		;
	return NULL;
}

static void *get(void *unused)
{
	struct timespec none = { 0, 0 };
	struct io_event event;

	run_on(0);
	prctl(PR_SET_NAME, "io_getevents");
	syscall(SYS_io_getevents, ctx, 0, 1, &event, &none);
	return NULL;
}

static pthread_t start(void *(*function)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, NULL))
		die("pthread_create");
	return thread;
}

void one_round(int ms)
{
	pthread_t busy, getter;

	stop = 0;
	ctx = 0;
	run_on(1);
	prctl(PR_SET_NAME, "io_destroy");
	if (syscall(SYS_io_setup, 8, &ctx))
		die("io_setup");
	busy = start(neighbour);
	getter = start(get);
	usleep(1000 * ms / 4);
	if (syscall(SYS_io_destroy, ctx))
		die("io_destroy");
	pthread_join(getter, NULL);
	stop = 1;
	pthread_join(busy, NULL);
	sleep(1);
}
