// Package garbage is the garbage collector of AF_UNIX since 6.10 (net/unix/garbage.c), against
// sending, looking at and closing what it counts.
//
// The nouns: a socket that has been sent with SCM_RIGHTS and not received is in flight, and has a
// vertex. Each message that has it is an edge, from it to the socket in whose queue the message
// is; out_degree is how many. Sockets that are in flight in each other's queues only, and that
// nobody has open, are garbage. The collector, which a worker runs, finds the strongly connected
// components of the graph; one of which no edge leads out, and of which each file has as many
// references as its vertex has edges, is dead, and the messages in its queues are dropped. What is
// in a component is kept until an edge changes that leads to a socket in flight: unix_graph_state
// says so, and also that there is no cycle, and nothing to look for.
//
// All of the graph is under unix_gc_lock. The count of a file is not, nor is the queue of a socket:
//
//   - MSG_PEEK takes a reference of a file in flight and does not change the graph (CVE-2026-23394,
//     and CVE-2026-53361, which is a hole in the fix of that);
//   - sendmsg() adds the edges first and then queues the message, so that a component may be dead
//     of which a message is in no queue. The collector takes it for collected: it is left; a vertex
//     that is freed may be on the ring of one that is not (CVE-2026-80521); and a component that
//     was not counted is counted down;
//   - who closes a socket does not call the collector, since 6.19 or so, if it is at work.
//
// And what is no race: up to 6.17 a vertex that is new may have the scc_index of another one
// (CVE-2025-40214); and not all vertices of a component need come out with the same scc_index, for
// which the collector takes it for several, and for alive.
//
// The code follows 6.17-rc3, 6.18.24, 6.12.117 (where that differs) and 7.1.5. What 7.0 has was not
// read: it is 7.1 with what the patch says that was before it. Nor was 7.1.10: it is 7.1.5 with the
// line of 594d90519502 that 6.12.117 has. kmodel/fs/file has the collector up to 6.9, against fget().
//
// Files: garbage.go, graph.go and scc.go are net/unix/garbage.c, af_unix.go is af_unix.c, file.go
// what is called of fs/file.c and fs/file_table.c.
//
// Not modelled: listening sockets and what is in their queues (embryos), datagrams, MSG_OOB,
// io_uring, sockmaps, sk_shutdown and wake-ups; waiting, for a message or for room; files that are
// no sockets, and more than one in a message; how many each user has in flight, so that sendmsg()
// neither waits for the collector nor calls it; index, which says of a vertex that it is on the
// stack, visited or not, and is the same for all vertices when nobody has unix_gc_lock. What is not
// shared, or under unix_gc_lock and read by nobody without it, is no step. To look a descriptor up,
// with a reference, is one step, and so is taking it out of the table: kmodel/fs/file has what is
// in that. A splice of a queue is a step a message. There is one kworker; delayed_fput() runs when
// the collector has finished, and after no time, which in the kernel is a jiffy and another
// workqueue. The memory of a vertex that is new is zeroed, as with init_on_alloc=1; without, up to
// 6.17, it may be anything. unix_unvisited_vertices keeps its order, which each walk changes in the
// kernel.
//
// Start reading at unixGC and unixVertexDead.
package garbage
