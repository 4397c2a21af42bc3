/*
 * Delays at the points of a race, to widen its window in a test kernel. They are off until
 * debugfs is told otherwise, and most are for tasks of one name only:
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
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/string.h>

static u32 kschedfuzz_points;	/* bit n switches delay n on */
static u32 kschedfuzz_ms;	/* how long each is */

/*
 * The callbacks of a task run on its CPU, and one of them may be what is delayed meanwhile: then
 * that CPU runs no task. So a task that may be preempted leaves it, as if it had been.
 */
static void kschedfuzz_move(void)
{
#if defined(CONFIG_PREEMPT) || defined(CONFIG_PREEMPTION)
	unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	cpumask_var_t allowed;

	if (cpu >= nr_cpu_ids || !alloc_cpumask_var(&allowed, GFP_KERNEL))
		return;
	sched_getaffinity(0, allowed);
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	set_cpus_allowed_ptr(current, allowed);
	free_cpumask_var(allowed);
#endif
}

/*
 * comm: the task that is delayed; NULL: whoever comes by, as for softirqs and workers.
 * atomic: it may not sleep here, or is about to, so it stays where it is.
 *
 * Nobody sleeps: without preemption that would be a context switch that the code has not.
 */
static void kschedfuzz_delay(unsigned int point, const char *comm, bool atomic)
{
	const char *who = in_interrupt() ? "interrupt" : current->comm;
	s64 end;

	if (!(kschedfuzz_points & (1U << point)))
		return;
	if (comm && strcmp(current->comm, comm))
		return;
	printk(KERN_INFO "kschedfuzz: %s at point %u\n", who, point);
	if (!atomic)
		kschedfuzz_move();
	end = ktime_to_ns(ktime_get()) + 1000000LL * kschedfuzz_ms;
	while (ktime_to_ns(ktime_get()) < end)
		cpu_relax();
	printk(KERN_INFO "kschedfuzz: %s goes on from point %u\n", who, point);
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
