/*
 * The init of a virtual machine: so many rounds of what the scenario does, while those of the
 * delays of kschedfuzz_delay.h are on that points has a bit of. It takes file, the name that the
 * delays have in debugfs, and rounds, ms and points from the environment, which is what the
 * kernel's command line says. Without a file there are no delays.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "init.h"

void die(const char *what)
{
	printf("init: %s: %m\n", what);
	reboot(RB_AUTOBOOT);
}

int number(const char *name, int otherwise)
{
	const char *text = getenv(name);

	return text ? atoi(text) : otherwise;
}

/* Sets an attribute of the delays. */
static void set(const char *name, const char *text)
{
	const char *of = getenv("file");
	char path[64];
	int fd;

	if (!of || !*of)
		return;
	snprintf(path, sizeof(path), "/debug/kschedfuzz_delay-%s/%s", of, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

int main(void)
{
	int rounds = number("rounds", 3), ms = number("ms", 0);
	const char *points = getenv("points");
	char text[16];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (mount("debugfs", "/debug", "debugfs", 0, NULL))
		die("debugfs");
	snprintf(text, sizeof(text), "%d", ms);
	set("ms", text);
	set("points", points ? points : "0");
	for (int i = 0; i < rounds; i++) {
		one_round(ms);
		printf("init: round %d\n", i);
	}
	printf("init: done\n");
	reboot(RB_AUTOBOOT);
}
