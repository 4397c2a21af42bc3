/* A process named "exit" makes so many contexts and exits, and others get its stack. */
#include <linux/aio_abi.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

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

void one_round(int ms)
{
	pid_t pid = fork();

	if (pid == 0)
		run(number("contexts", 4));
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("fork");
	reuse(ms);
}
