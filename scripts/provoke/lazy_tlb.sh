# shellcheck shell=bash disable=SC2034
# ksmd flushes for a process, on a CPU that has its mm lazily, and trims mm_cpumask: the delay is
# between counting the CPU off and clearing its bit. Meanwhile a flush of the process trims too, by
# interrupt, which counts the CPU off once more. A kernel thread is in the place of the model's
# kswapd that can be told when to begin. "flushes" is for 1073, after which a flush of two threads
# trims; one of a single thread always does.
#
#   2 threads                  the other one has to read what was given back, on CPU 2
#   2 threads, no delay        nothing must be reported
#   2 threads, no flushes      nor here: the process does not trim
#   2 threads, mended          nor here: exit_lazy_flush_tlb() has interrupts off
#   1 thread, goes to CPU 2    it has to read what it has given back
#   1 thread, no delay         nothing must be reported
#   1 thread, stays            nor here: the CPU of ksmd is counted off, so its flush is local
#   1 thread, mended           nor here
#   1 thread, early            as in the model: its flush finds two CPUs, and is delayed (2) before
#                              it interrupts the other, so that it does not have to go elsewhere
#   1 thread, early, delay 1   nothing must be reported: it trims before ksmd does
#   1 thread, early, delay 2   nor here, where it comes after ksmd
#   1 thread, early, mended    nor here
tape=powerpc-active_cpus-twice
arch=powerpc
file=radix_tlb
of_interest='old data:|active_cpus [0-9-]+,'

provoke() {
	local radix_tlb=arch/powerpc/mm/book3s64/radix_tlb.c
	insert $radix_tlb '^#include "internal.h"' '#include <linux/kschedfuzz_delay.h>'
	insert $radix_tlb 'cpumask_clear_cpu(cpu, mm_cpumask(mm))' \
		'\t\tif (!in_interrupt()) kschedfuzz_delay(1, "ksmd", true);' '^void exit_lazy_flush_tlb('
	insert $radix_tlb 'mm_users) <= 1 && current->mm == mm' \
		'\tkschedfuzz_delay(2, "madvise", true);' '^static enum tlb_flush_type flush_type_needed('
	insert $radix_tlb '^\tif (active_cpus == 0)' \
		'\tWARN(fullmm && active_cpus < cpumask_weight(mm_cpumask(mm)),\
		"active_cpus %d, mm_cpumask %*pbl\\n", active_cpus, cpumask_pr_args(mm_cpumask(mm)));' \
		'^static enum tlb_flush_type flush_type_needed('
	build delays
	change $radix_tlb 4 '/^void exit_lazy_flush_tlb(/,/^}/{
			s/^\tif (current->mm == mm)/\tunsigned long all;\n\n\tlocal_irq_save(all);\n&/
			s/^}/\tlocal_irq_restore(all);\n&/
		}'
	build mended

	local one='threads=1 flushes=1' two='threads=2 flushes=1100 ms=5000'
	local early='threads=1 early=1 ms=6000'
	start delays "$two" 0x2 && fails 'old data: the other thread reads -' 'active_cpus 0, mm_cpumask'
	start delays "$two" 0x0 && passes 1 0
	start delays 'threads=2' 0x2 && passes 1
	start mended "$two" 0x2 && passes 1

	start delays "$one to=2" 0x2 && fails 'old data: a page' 'active_cpus 0, mm_cpumask'
	start delays "$one to=2" 0x0 && passes 1 0
	start delays "$one" 0x2 && passes 1
	start mended "$one to=2" 0x2 && passes 1

	start delays "$early" 0x6 && fails 'old data: a page' 'active_cpus 0, mm_cpumask'
	start delays "$early" 0x2 && passes 1 0
	start delays "$early" 0x4 && passes 2
	start mended "$early" 0x6 && passes 1
}
