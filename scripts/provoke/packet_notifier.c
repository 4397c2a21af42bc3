/*
 * "link" takes dummy0 down while "bind" binds a socket that is bound to it to all devices, or with
 * to=1 to the device of that number, lo. Then there are packets of lo, which is up throughout. The
 * second task comes after so many ms as pause says, more or less by so many us as spread says, and
 * before the first with swap=1.
 */
#include <linux/if_ether.h>
#include <net/if.h>
#include <unistd.h>

#include "init.h"
#include "packet.h"

static int fd;

static void link_down(void)
{
	set_device("dummy0", 0);
}

static void bind_elsewhere(void)
{
	bind_to(fd, ETH_P_IP, number("to", 0));
}

void one_round(int ms)
{
	static const struct task link = { "link", link_down }, bind = { "bind", bind_elsewhere };
	int loopback = set_device("lo", IFF_UP), dummy = set_device("dummy0", IFF_UP);
	int pause = 1000 * number("pause", ms / 2), us = late(number("swap", 0) ? -pause : pause);

	fd = open_socket(0);
	bind_to(fd, ETH_P_IP, dummy);
	both(&link, &bind, us);
	if (!look(fd, after_both(us), loopback)) {
		set_device("dummy0", IFF_UP);
		bind_elsewhere();
		look(fd, "bound to the same", loopback);
		bind_to(fd, ETH_P_IP, dummy);
		bind_elsewhere();
		look(fd, "bound to another and back", loopback);
	}
	close(fd);
}
