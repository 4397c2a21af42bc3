/*
 * The end of an epoll instance that watches files, one a task: "close" has it open, "release" and,
 * if there are three tasks, "other" have a file open. All wait for ep->mtx, which "close" holds in
 * epoll_wait() until a page fault ends. Then "release" gets it, and "close" again, so many ms later
 * as pause says: while "release" is delayed in mutex_unlock(), or after that. With alone=1 nobody
 * holds the mutex first, and "close" comes after "release".
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

enum { PAGE = 4096 };

static int alone, delay, ep, fault;
static void *page;

/* Makes a page at which whoever touches it waits. */
static void hold(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .range = { .len = PAGE },
					.mode = UFFDIO_REGISTER_MODE_MISSING };

	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area.range.start = (uintptr_t)page;
	fault = syscall(SYS_userfaultfd, 0);
	if (fault < 0 || ioctl(fault, UFFDIO_API, &api) || ioctl(fault, UFFDIO_REGISTER, &area))
		die("userfaultfd");
}

/* Lets him go on. */
static void let_go(void)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)page, PAGE } };

	if (ioctl(fault, UFFDIO_ZEROPAGE, &zero))
		die("UFFDIO_ZEROPAGE");
}

static int watched(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = eventfd(1, 0);

	if (fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
	return fd;
}

static void *close_ep(void *unused)
{
	prctl(PR_SET_NAME, "close");
	if (!alone) {
		if (epoll_wait(ep, page, 1, -1) != 1)
			die("epoll_wait");
		usleep(number("pause", delay / 4) * 1000);
	}
	close(ep);
	return unused;
}

struct file {
	const char *comm;
	int fd;
	pthread_t thread;
};

static void *close_file(void *arg)
{
	struct file *file = arg;

	prctl(PR_SET_NAME, file->comm);
	close(file->fd);
	return NULL;
}

static void go(pthread_t *thread, void *(*run)(void *), void *arg)
{
	if (pthread_create(thread, NULL, run, arg))
		die("pthread_create");
	usleep(100000); /* until it waits */
}

void one_round(int ms)
{
	struct file files[] = { { .comm = "release" }, { .comm = "other" } };
	int n = number("tasks", 3) - 1;
	pthread_t closer;

	alone = number("alone", 0);
	delay = ms;
	ep = epoll_create1(0);
	hold();
	for (int i = 0; i < n; i++)
		files[i].fd = watched();
	if (!alone)
		go(&closer, close_ep, NULL);
	for (int i = 0; i < n; i++)
		go(&files[i].thread, close_file, &files[i]);
	if (alone)
		go(&closer, close_ep, NULL);
	let_go();
	pthread_join(closer, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(files[i].thread, NULL);
	munmap(page, PAGE);
	close(fault);
}
