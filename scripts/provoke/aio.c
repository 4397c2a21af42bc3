/*
 * The init of a virtual machine: each round a process named "exit" makes contexts and exits, while
 * those of the delays of kschedfuzz_delay.h are on that points has a bit of. It takes contexts,
 * rounds, ms and points from the environment, which is what the kernel's command line says.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	printf("init: %s: %m\n", what);
	reboot(RB_AUTOBOOT);
}

static int number(const char *name, int otherwise)
{
	const char *text = getenv(name);

	return text ? atoi(text) : otherwise;
}

static void set(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(file);
	close(fd);
}

static void run(int contexts)
{
	prctl(PR_SET_NAME, "exit");
	while (contexts-- > 0) {
		aio_context_t ctx = 0;

		if (syscall(SYS_io_setup, 8, &ctx))
			die("io_setup");
	}
	_exit(0);
}

/* Makes processes, which get the stacks of those that have exited, and waits for the delays. */
static void reuse(int ms)
{
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			sleep(1 + 2 * ms / 1000);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	int contexts = number("contexts", 4), rounds = number("rounds", 3), ms = number("ms", 0);
	const char *points = getenv("points");
	char text[16];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (mount("debugfs", "/debug", "debugfs", 0, NULL))
		die("debugfs");
	snprintf(text, sizeof(text), "%d", ms);
	set("/debug/kschedfuzz_delay-aio/ms", text);
	set("/debug/kschedfuzz_delay-aio/points", points ? points : "0");
	for (int i = 0; i < rounds; i++) {
		pid_t pid = fork();

		if (pid == 0)
			run(contexts);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			die("fork");
		reuse(ms);
		printf("init: round %d of %d contexts\n", i, contexts);
	}
	printf("init: done\n");
	reboot(RB_AUTOBOOT);
}
