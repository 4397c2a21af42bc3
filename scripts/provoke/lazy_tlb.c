/*
 * A process whose pages ksmd merges, on CPU 1, where the process has been and nobody else is, so
 * that ksmd has its mm lazily. Every 1073rd flush of ksmd trims mm_cpumask. While it is delayed in
 * that, the process flushes too, so many times as flushes says, and goes on from CPU 0 to CPU "to"
 * before that. If threads is 2 another thread reads a page on CPU 2 all the while. If early is 1
 * the process does not wait for ksmd to be delayed. Then a page is given back that was read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

enum { PAGES = 1500, APART = 4 << 20 }; /* of a page table of their own */

static long page;
static volatile int *read_page, *other_page;
static volatile int seen;

static void on(pid_t pid, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(pid, sizeof(cpus), &cpus))
		die("sched_setaffinity");
}

static void ksm(const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static pid_t ksmd(void)
{
	for (pid_t pid = 2; pid < 1000; pid++) {
		char path[32], comm[8] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (read(fd, comm, sizeof(comm) - 1) > 0 && !strcmp(comm, "ksmd\n"))
			return close(fd), pid;
		close(fd);
	}
	die("ksmd");
	return 0;
}

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void flush(volatile int *p)
{
	*p = 1;
	if (madvise((void *)p, page, MADV_DONTNEED))
		die("MADV_DONTNEED");
}

/* Waits until ksmd is delayed, or for so many centiseconds. */
static void wait_for_delay(int n)
{
	static char log[8192];

	while (n-- > 0) {
		int size = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1);

		log[size < 0 ? 0 : size] = 0;
		if (strstr(log, "ksmd at point 1"))
			return;
		usleep(10000);
	}
}

static void *reader(void *unused)
{
	on(0, 2);
	for (;;)
		seen = *read_page;
	return unused;
}

/* Whether whoever reads the page comes to see what is written to it, in a second. */
static int sees(int n)
{
	for (int i = 0; i < 1000 && seen != n; i++)
		usleep(1000);
	return seen == n;
}

/* Gives a page back after it was read, and has it read again; whether that is not old data. */
static int all_new(int threads, int i)
{
	other_page[i * page / (int)sizeof(*other_page)] = -i; /* in the page that was given back last */
	*read_page = i;
	if (threads > 1 && !sees(i)) {
		printf("init: old data: the other thread reads %d, %d was written\n", seen, i);
		return 0;
	}
	if (madvise((void *)read_page, page, MADV_DONTNEED))
		die("MADV_DONTNEED");
	if (threads == 1 && *read_page) {
		printf("init: old data: a page that was given back reads %d\n", *read_page);
		return 0;
	}
	return 1;
}

static void run(int threads)
{
	char *merged = map(PAGES * page), *apart = map(3 * APART);
	pthread_t thread;

	memset(merged, 'k', PAGES * page);
	if (madvise(merged, PAGES * page, MADV_MERGEABLE))
		die("MADV_MERGEABLE");
	read_page = (int *)(apart + APART);
	other_page = (int *)(apart + APART + page);
	*read_page = other_page[page / (int)sizeof(*other_page)] = 0;
	if (threads > 1 && pthread_create(&thread, NULL, reader, NULL))
		die("pthread_create");
	wait_for_delay(1); /* all that is written to is written to now: a COW flushes, and trims */
	on(0, 1);
	on(0, 0);
	ksm("run", "0");
	on(0, 1); /* from here on this CPU has the mm lazily */
	on(0, 0);
	klogctl(5 /* SYSLOG_ACTION_CLEAR */, NULL, 0);
	prctl(PR_SET_NAME, "madvise");
	madvise(apart, page, MADV_DONTNEED); /* lru_add_drain(), which ksmd waits for on all CPUs */
	ksm("run", "1");
	if (!number("early", 0))
		wait_for_delay(1000);
	on(0, number("to", 0));
	for (int i = number("flushes", 0); i > 0; i--)
		flush(other_page);
	for (int i = 1; i < 20 && all_new(threads, i); i++)
		;
	_exit(0);
}

/* The process cannot end while ksmd is delayed. */
void one_round(int ms)
{
	static int once;
	pid_t pid;

	(void)ms;
	if (!once++) {
		mkdir("/proc", 0755);
		mkdir("/sys", 0755);
		if (mount("proc", "/proc", "proc", 0, NULL) || mount("sysfs", "/sys", "sysfs", 0, NULL))
			die("mount");
		page = sysconf(_SC_PAGESIZE);
		on(0, 0);
		on(ksmd(), 1);
		ksm("pages_to_scan", "100000");
	}
	ksm("run", "0");
	klogctl(5 /* SYSLOG_ACTION_CLEAR */, NULL, 0);
	pid = fork();
	if (pid == 0)
		run(number("threads", 2));
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("fork");
}
