package kmodel

import (
	"slices"
	"strings"
)

// sources lists functions of models that are in another kernel source file than the one the
// model is called after, as of the releases that the model is of. Where there is no file, these
// had not one and the same, or it is no function of the kernel's. No function is all that are
// not listed by name. What has been in drivers/tty since 2.6.37 is listed so, though it was in
// drivers/char before.
var sources = []struct{ model, file, functions string }{
	{"arch/powerpc", "arch/powerpc/mm/book3s64/radix_tlb.c", ""},
	{"arch/powerpc", "arch/powerpc/mm/mmu_context.c", "switch_mm_irqs_off"},
	{"arch/powerpc", "arch/powerpc/include/asm/mmu_context.h", "switch_mm"},
	{"arch/powerpc", "arch/powerpc/include/asm/tlb.h", "mm_is_thread_local mm_reset_thread_local"},
	{"arch/powerpc", "", "flush_tlb_page"},
	{"arch/sparc", "arch/sparc/kernel/smp_64.c", ""},
	{"arch/sparc", "arch/sparc/include/asm/mmu_context_64.h", "switch_mm"},
	{"arch/sparc", "", "flush_tlb_page do_exit_flush_lazy_tlb"},
	{"arch/x86/mm/tlb", "arch/x86/include/asm/mmu_context.h", "switch_mm"},
	{"arch/x86/mm/tlb", "kernel/sched/core.c", "context_switch"},
	{"arch/x86/mm/tlb", "", "copy_from_user flush_tlb_others"},
	{"drivers/tty/n_hdlc", "drivers/tty/pty.c", "pty_write"},
	{"drivers/tty/n_hdlc", "drivers/tty/tty_io.c",
		"__start_tty __stop_tty tty_ioctl tty_release tty_wakeup tty_write"},
	{"drivers/tty/n_hdlc", "", "exit_files"},
	{"drivers/tty/n_tty", "drivers/tty/pty.c", "pty_write"},
	{"drivers/tty/n_tty", "drivers/tty/tty_buffer.c", "__tty_buffer_request_room flush_to_ldisc " +
		"receive_buf tty_buffer_alloc tty_buffer_free tty_flip_buffer_push " +
		"tty_insert_flip_string_fixed_flag"},
	{"drivers/tty/n_tty", "drivers/tty/tty_io.c", "tty_send_xchar tty_write"},
	{"fs/aio", "fs/file_table.c", "fput"},
	{"fs/aio", "include/linux/fs.h", "fput_atomic"},
	{"fs/aio", "kernel/fork.c", "mmput"},
	{"fs/aio", "kernel/sched/wait.c", "prepare_to_wait_event"},
	{"fs/aio", "mm/mremap.c", "mremap"},
	{"fs/aio", "", "finish_wait ready run submit"},
	{"fs/aio_poll", "fs/aio.c", ""},
	{"fs/aio_poll", "fs/notify/inotify/inotify_user.c", "inotify_poll inotify_read"},
	{"fs/aio_poll", "fs/signalfd.c", "signalfd_cleanup signalfd_poll"},
	{"fs/aio_poll", "include/linux/poll.h", "vfs_poll"},
	{"fs/aio_poll", "include/linux/sched/signal.h", "lock_task_sighand"},
	{"fs/aio_poll", "include/linux/signalfd.h", "signalfd_notify"},
	{"fs/aio_poll", "kernel/exit.c", "__exit_signal"},
	{"fs/aio_poll", "kernel/fork.c", "__cleanup_sighand"},
	{"fs/aio_poll", "kernel/signal.c", "do_send_sig_info"},
	{"fs/aio_poll", "", "fsnotify_add_event"},
	{"fs/eventpoll", "fs/signalfd.c", "signalfd_cleanup"},
	{"fs/eventpoll", "include/linux/eventpoll.h", "eventpoll_release"},
	{"fs/eventpoll", "kernel/fork.c", "__cleanup_sighand"},
	{"fs/exec", "fs/binfmt_elf.c", "elf_core_dump"},
	{"fs/exec", "kernel/exit.c", "exit_mm"},
	{"fs/exec", "kernel/fork.c", "mmput"},
	{"fs/exec", "kernel/sched/core.c",
		"context_switch do_task_dead finish_task_switch schedule schedule_tail"},
	{"fs/exec", "", "coredump_finish coredump_wait do_coredump open ready resume run switch_to " +
		"task_lock task_unlock zap_threads"},
	{"fs/file", "fs/file_table.c", "__fput alloc_empty_file file_free file_free_rcu fput"},
	{"fs/file", "include/linux/skbuff.h", "skb_unref"},
	{"fs/file", "kernel/task_work.c", "task_work_run"},
	{"fs/file", "net/core/skbuff.c", "__kfree_skb consume_skb skb_dequeue skb_unlink"},
	{"fs/file", "net/socket.c", "__sys_recvmsg __sys_socket sock_alloc_file sock_map_fd"},
	{"fs/file", "net/unix/af_unix.c", "unix_release_sock unix_stream_read_generic"},
	{"fs/file", "net/unix/garbage.c", "dec_inflight inc_inflight scan_children unix_gc"},
	{"fs/file", "", "kfree_skb unix_destruct_scm unix_detach_fds unix_notinflight"},
	{"fs/namespace", "fs/namei.c", "unlazy_walk"},
	{"fs/namespace", "fs/open.c", "sys_fchdir"},
	{"fs/namespace", "fs/stat.c", "sys_newfstat sys_newstat vfs_getattr"},
	{"fs/select", "fs/pipe.c", "pipe_poll pipe_read pipe_write"},
	{"fs/select", "fs/splice.c", "vmsplice_to_pipe wakeup_pipe_readers"},
	{"fs/select", "include/linux/poll.h", "poll_wait"},
	{"fs/super", "mm/shmem.c", "shmem_fill_super shmem_put_super shmem_unused_huge_count"},
	{"fs/super", "mm/vmscan.c", "shrink_slab"},
	{"fs/super", "", "mount umount"},
	{"fs/userfaultfd", "include/linux/sched/mm.h", "mmget_still_valid"},
	{"fs/userfaultfd", "kernel/fork.c", "mmput"},
	{"fs/userfaultfd", "", "exit"},
	{"kernel/kthread", "fs/exec.c", "exec_mmap"},
	{"kernel/kthread", "fs/io_uring.c", "io_sq_thread_acquire_mm io_sq_thread_drop_mm"},
	{"kernel/kthread", "include/linux/uaccess.h", "copy_from_user"},
	{"kernel/kthread", "kernel/cpu.c", "cpu_down cpu_up"},
	{"kernel/kthread", "mm/madvise.c", "do_madvise"},
	{"kernel/kthread", "mm/mmap.c", "__vm_munmap"},
	{"kernel/kthread", "mm/rmap.c", "try_to_unmap"},
	{"kernel/kthread", "mm/util.c", "vm_mmap_pgoff"},
	{"kernel/kthread", "", "page_mkclean zap"},
	{"kernel/time/posix-cpu-timers", "include/linux/sched/signal.h", "lock_task_sighand"},
	{"kernel/time/posix-cpu-timers", "kernel/exit.c",
		"__exit_signal do_exit do_wait exit_notify wait_consider_task"},
	{"kernel/time/posix-cpu-timers", "kernel/sched/core.c", "do_task_dead"},
	{"kernel/time/posix-cpu-timers", "kernel/time/posix-timers.c", "k_itimer_rcu_free lock_timer " +
		"posix_timer_event release_posix_timer timer_delete timer_wait_running"},
	{"kernel/time/posix-cpu-timers", "", "open"},
	{"lib/maple_tree", "arch/x86/mm/fault.c", "do_user_addr_fault"},
	{"lib/maple_tree", "fs/proc/task_mmu.c", "proc_get_vma"},
	{"lib/maple_tree", "include/linux/mmap_lock.h", "mmap_lock_speculate_retry " +
		"mmap_lock_speculate_try_begin mmap_write_downgrade mmap_write_lock mmap_write_unlock"},
	{"lib/maple_tree", "mm/madvise.c", "madvise_walk_vmas"},
	{"lib/maple_tree", "mm/memory.c", "lock_mm_and_find_vma"},
	{"lib/maple_tree", "mm/mmap.c", "expand_downwards find_vma find_vma_prev"},
	{"lib/maple_tree", "mm/mmap_lock.c", "lock_next_vma lock_next_vma_under_mmap_lock"},
	{"lib/maple_tree", "mm/vma.c", "do_vmi_align_munmap do_vmi_munmap"},
	{"mm/gup", "fs/proc/base.c", "mem_read mem_write"},
	{"mm/gup", "include/linux/gfp.h", "alloc_page"},
	{"mm/gup", "include/linux/mm.h", "get_page put_page"},
	{"mm/gup", "mm/huge_memory.c", "__do_huge_pmd_anonymous_page do_huge_pmd_anonymous_page " +
		"do_huge_pmd_wp_page follow_trans_huge_pmd touch_pmd zap_huge_pmd"},
	{"mm/gup", "mm/madvise.c", "madvise"},
	{"mm/gup", "mm/memory.c", "__access_remote_vm __do_fault __handle_mm_fault do_cow_fault " +
		"do_read_fault do_wp_page handle_mm_fault handle_pte_fault wp_page_copy zap_pte_range"},
	{"mm/gup", "mm/userfaultfd.c", "__mcopy_atomic mcontinue_atomic_pte mfill_atomic_install_pte"},
	{"mm/list_lru", "fs/inode.c",
		"dispose_list evict i_callback inode_lru_isolate iput iput_final prune_icache_sb"},
	{"mm/list_lru", "mm/memcontrol.c", "memcg_alloc_cache_id memcg_free_cache_id " +
		"memcg_get_cache_ids memcg_offline_kmem memcg_online_kmem memcg_put_cache_ids"},
	{"mm/list_lru", "", "list_lru_init mount umount"},
	{"mm/mmap", "include/linux/mm.h", "do_mmap"},
	{"mm/mmap_lock", "arch/x86/mm/fault.c", "do_user_addr_fault"},
	{"mm/mmap_lock", "include/linux/mmap_lock.h", "is_vma_writer_only mmap_write_downgrade " +
		"mmap_write_lock mmap_write_unlock vma_end_read vma_end_write_all vma_refcount_put " +
		"vma_start_read vma_start_write"},
	{"mm/mmap_lock", "include/linux/rcuwait.h", "prepare_to_rcuwait"},
	{"mm/mmap_lock", "include/linux/sched/mm.h", "mmdrop"},
	{"mm/mmap_lock", "kernel/exit.c", "rcuwait_wake_up"},
	{"mm/mmap_lock", "kernel/fork.c", "mmput"},
	{"mm/mmap_lock", "kernel/rcu/update.c", "finish_rcuwait"},
	{"mm/mmap_lock", "mm/vma.c", "do_vmi_munmap mmap_region vma_link"},
	{"mm/mmap_lock", "mm/vma_exec.c", "create_init_stack_vma"},
	{"mm/mmap_lock", "mm/vma_init.c", "vm_area_alloc vm_area_free"},
	{"mm/mremap", "mm/memory.c", "tlb_finish_mmu unmap_mapping_range zap_pte_range"},
	{"mm/mremap", "mm/migrate.c", "migrate_page_move_mapping unmap_and_move"},
	{"mm/mremap", "mm/mmap.c", "copy_vma do_munmap"},
	{"mm/mremap", "mm/rmap.c", "try_to_unmap try_to_unmap_one"},
	{"mm/mremap", "mm/truncate.c", "truncate_inode_pages truncate_pagecache"},
	{"mm/mremap", "mm/vmscan.c", "remove_mapping shrink_page_list"},
	{"mm/mremap", "", "flush_tlb_range"},
	{"net/core/net_namespace", "include/net/net_namespace.h", "get_net maybe_get_net put_net"},
	{"net/core/net_namespace", "kernel/nsproxy.c", "exit_task_namespaces"},
	{"net/core/net_namespace", "net/core/rtnetlink.c", "rtnl_newlink"},
	{"net/packet/af_packet", "kernel/exit.c", "exit_notify wait4"},
	{"net/packet/af_packet", "net/core/dev.c", "__dev_remove_pack dev_add_pack dev_close_many " +
		"dev_remove_pack net_rx_action netdev_run_todo rollback_registered_many unregister_netdev"},
	{"net/packet/af_packet", "", "dev_close dev_open exit_files netif_receive_skb open"},
	{"net/vmw_vsock/af_vsock", "include/net/sock.h", "sock_error"},
	{"net/vmw_vsock/af_vsock", "net/vmw_vsock/virtio_transport.c", "virtio_vsock_reset_sock"},
	{"net/vmw_vsock/af_vsock", "net/vmw_vsock/virtio_transport_common.c",
		"virtio_transport_close virtio_transport_connect virtio_transport_consume_skb_sent " +
			"virtio_transport_destruct virtio_transport_do_close " +
			"virtio_transport_notify_buffer_size virtio_transport_recv_connected " +
			"virtio_transport_recv_connecting virtio_transport_recv_disconnecting " +
			"virtio_transport_recv_pkt virtio_transport_release virtio_transport_send_pkt_info " +
			"virtio_transport_space_update virtio_transport_stream_enqueue " +
			"virtio_transport_stream_has_data"},
	{"net/vmw_vsock/af_vsock", "net/vmw_vsock/vsock_loopback.c", "vsock_loopback_work"},
	{"net/unix/garbage", "fs/file.c", "close_fd fd_install fget"},
	{"net/unix/garbage", "fs/file_table.c", "__fput delayed_fput fput"},
	{"net/unix/garbage", "kernel/task_work.c", "task_work_run"},
	{"net/unix/garbage", "net/core/skbuff.c", "skb_dequeue"},
	{"net/unix/garbage", "net/socket.c", "__sys_recvmsg __sys_sendmsg"},
	{"net/unix/garbage", "net/unix/af_unix.c",
		"unix_release_sock unix_stream_read_generic unix_stream_sendmsg"},
	{"net/unix/garbage", "", "kfree_skb sock_put unix_detach_fds"},
	{"protocol", "", ""},
}

// SourceFile returns the kernel source file that a function of a model is in, such as
// "fs/aio.c" for "kmodel/fs/aio" and "lookup_ioctx"; "" if that is not known.
func SourceFile(model, function string) string {
	model, ok := strings.CutPrefix(model, "kmodel/")
	if !ok {
		return ""
	}
	file := model + ".c"
	for _, s := range sources {
		switch {
		case s.model != model:
		case s.functions == "":
			file = s.file
		case slices.Contains(strings.Fields(s.functions), function):
			return s.file
		}
	}
	return file
}
