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

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/string.h>

static u32 kschedfuzz_points;	/* bit n switches delay n on */
static u32 kschedfuzz_ms;	/* how long each is */

/*
 * A CPU that a softirq is delayed on runs no task meanwhile, and no timers but those of high
 * resolution; and the callbacks of a task, for which it may be delayed, run on its CPU. So it
 * leaves that.
 */
static void kschedfuzz_sleep(u32 ms)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());

	if (cpu < nr_cpu_ids)
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	usleep_range(1000UL * ms, 1000UL * ms + 100);
}

/* Where preemption is on, another task may come in. */
static void kschedfuzz_spin(u32 ms)
{
	u64 end = ktime_get_ns() + 1000000ULL * ms;

	while (ktime_get_ns() < end)
		cpu_relax();
}

/*
 * comm: the task that is delayed; NULL: whoever comes by, as for softirqs and workers.
 * atomic: it may not sleep here, so it spins.
 */
static void kschedfuzz_delay(unsigned int point, const char *comm, bool atomic)
{
	if (!(kschedfuzz_points & (1U << point)))
		return;
	if (comm && strcmp(current->comm, comm))
		return;
	pr_info("kschedfuzz_delay: %s at point %u\n", current->comm, point);
	if (atomic)
		kschedfuzz_spin(kschedfuzz_ms);
	else
		kschedfuzz_sleep(kschedfuzz_ms);
	pr_info("kschedfuzz_delay: %s goes on from point %u\n", current->comm, point);
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
