/* The protocol of kmodel/protocol in Promela, for SPIN: N lookups against io_destroy. With
 * -DRACY a reference is taken whether the object is live or not. Steps that SPIN makes
 * beyond those of the protocol: starting the processes, loop counters, guards. */
#ifndef N
#define N 1
#endif
bit table = 1;
bit dead;
byte ref = 1;
bit queued;
bit freed;
bit reading[N];

proctype destroy() {
  bit p; bit zero;
  atomic { p = table; table = 0 };             /* D1 */
  if
  :: p ->
     dead = 1;                                 /* D2 */
     d_step { ref--; zero = (ref == 0) };      /* D3 */
     if :: zero -> queued = 1 :: else fi       /* D4 */
  :: else
  fi
}

proctype lookup(byte me) {
  bit p; bit got; bit zero;
  reading[me] = 1;                             /* L1 */
  p = table;                                   /* L2 */
  if
  :: p ->
#ifdef RACY
     d_step { ref++; got = 1 }                 /* L3 */
#else
     d_step { if :: !dead -> ref++; got = 1 :: else fi }
#endif
  :: else
  fi;
  reading[me] = 0;                             /* L4 */
  if
  :: got ->
     assert(!freed);                           /* L5 */
     d_step { ref--; zero = (ref == 0) };      /* L6 */
     if :: zero -> queued = 1 :: else fi       /* L7 */
  :: else
  fi
}

proctype rcu() {
  byte i;
end: queued;                                   /* a valid end state */
  i = 0;
  do :: i < N -> !reading[i]; i++ :: i == N -> break od;
  freed = 1;                                   /* R1 */
  skip
}

init {
  byte i;
  atomic {
    run destroy();
    do :: i < N -> run lookup(i); i++ :: i == N -> break od;
    run rcu()
  }
}
