/*
 * Delays at the points of a race, to widen its window in a test kernel. They are off until
 * debugfs is told otherwise, and each is for a task of one name only:
 *
 *	echo 0xffffffff > /sys/kernel/debug/kschedfuzz_delay-NAME/points
 *	echo 2000 > /sys/kernel/debug/kschedfuzz_delay-NAME/ms
 *
 * NAME is that of the file that includes this. Such a file must be built in.
 */
#ifndef _LINUX_KSCHEDFUZZ_DELAY_H
#define _LINUX_KSCHEDFUZZ_DELAY_H

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>

static u32 kschedfuzz_points;	/* bit n switches delay n on */
static u32 kschedfuzz_ms;	/* how long each is */

/*
 * comm: the task that is delayed; NULL: whoever comes by, as for softirqs and workers.
 * atomic: it may not sleep here, so it spins. It does that a millisecond at a time: where
 * preemption is on, another task may come in between.
 */
static void kschedfuzz_delay(unsigned int point, const char *comm, bool atomic)
{
	u32 ms = kschedfuzz_ms;

	if (!(kschedfuzz_points & (1U << point)))
		return;
	if (comm && strcmp(current->comm, comm))
		return;
	pr_info("kschedfuzz_delay: %s at point %u\n", current->comm, point);
	if (!atomic)
		msleep(ms);
	else
		while (ms-- > 0)
			mdelay(1);
}

static int __init kschedfuzz_delay_init(void)
{
	struct dentry *dir = debugfs_create_dir("kschedfuzz_delay-" KBUILD_MODNAME, NULL);

	debugfs_create_u32("points", 0600, dir, &kschedfuzz_points);
	debugfs_create_u32("ms", 0600, dir, &kschedfuzz_ms);
	return 0;
}
late_initcall(kschedfuzz_delay_init);

#endif
