package netnamespace

import (
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/global"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rcu"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/slab"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// TestForgotten leaves out of the model what one forgets, one thing at a time: the message
// says which, and in which line of the model it was missed.
func TestForgotten(t *testing.T) {
	boot := func(s *system, e *schedule.Exec) { s.BootGlobals(e) }
	agents := (*system).bootAgents
	for _, test := range []struct {
		name   string
		forget func(s *system)
		boot   func(s *system, e *schedule.Exec)
		agents func(s *system, e *schedule.Exec)
		want   []string
	}{
		{
			"Bind", func(s *system) { s.cleanup = global.List[*net]{} }, boot, agents,
			[]string{"before the first step, in TestForgotten.func", "allocated before Bind"},
		},
		{
			"BootGlobals", func(*system) {}, func(*system, *schedule.Exec) {}, agents,
			[]string{
				"before the first step, in (*system).bootTask, variants.go:",
				"if a cell is touched: has its object a Bind and a Static, or a Global?",
			},
		},
		{
			"Static", func(*system) {}, func(s *system, e *schedule.Exec) {
				for _, o := range []*schedule.Object{
					&s.rtnlMutex.Object, &s.netNamespaceList.Object, &s.cleanupListLock.Object,
					&s.netKillList.Object, &s.netCleanupWork.Object, &s.initNet.Object,
					&s.nsproxy.Object,
				} {
					e.Static(o, 0)
				}
			}, agents,
			[]string{
				"thread exit, in (*net).__putNet, net_namespace.go:",
				"list_add touches cleanup_list, which was never allocated: " +
					"what no cache allocates needs Exec.Static",
			},
		},
		{
			"Init", func(s *system) { s.netCleanupWork.Init(nil) }, boot, agents,
			[]string{
				"thread exit, in (*net).__putNet, net_namespace.go:",
				"net_cleanup_work is used before its Init",
			},
		},
		{
			"the cache", func(s *system) { s.cache = nil }, boot, agents,
			[]string{
				"in (*system).bootTask, variants.go:",
				"an object is allocated from a cache before NewCache",
			},
		},
		{
			"system", func(s *system) { s.cache = slab.NewCache[net]("net", nil) }, boot, agents,
			[]string{
				"thread exit, in (*net).__putNet, net_namespace.go:", "nil pointer dereference",
				"if a pointer is nil: is every cache made, and does its constructor set what its " +
					"objects embed, such as *system?",
			},
		},
		{
			"workqueue.Boot", func(*system) {}, boot,
			func(_ *system, e *schedule.Exec) { rcu.Boot(e, rcu.Split) },
			[]string{"thread exit, in (*net).__putNet, ", "work is queued before Boot"},
		},
		{
			"rcu.Boot", func(*system) {}, boot,
			func(_ *system, e *schedule.Exec) { workqueue.Boot(e, 1) },
			[]string{"thread kworker, in (*system).cleanupNet, ", "synchronize_rcu before Boot"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSystem(0)
			test.forget(s)
			begin := func(e *schedule.Exec) {
				test.boot(s, e)
				s.bootTask(e, 0, 0)
				e.Go("exit", func(t *schedule.Thread) { s.exitTaskNamespaces(t, 0) })
				test.agents(s, e)
			}
			r := schedule.NewRunner(schedule.Program{
				Name: "forgotten", New: func() func(*schedule.Exec) { return begin },
			})
			defer r.Close()
			defer func() {
				c, ok := recover().(*schedule.Crash)
				if !ok {
					t.Fatal("no crash")
				}
				text, _, _ := strings.Cut(c.Error(), "\n")
				for _, want := range test.want {
					if !strings.Contains(text, want) {
						t.Errorf("got %s, want %s", text, want)
					}
				}
			}()
			r.RunTape(nil)
		})
	}
}
