package listlru

import (
	"slices"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// A walkMachine is walk-vs-walk again, and shares nothing with the model: whatever is done with
// the lock of the list held is one step.
type walkMachine struct {
	always bool // begin again after each time that the lock was given up
	early  bool // and end one item early
	lists  [3][]int
	items  int // of the first, as it is counted
	inodes [2]machineInode
	walks  [2]machineWalk
	kinds  map[schedule.Kind]bool // in which it has failed
}

// The lists: that of the super_block, and behind it those of what each walk frees. An inode
// is its number.
const (
	lru  = 0
	none = -1
	head = -2 // of another list, as if it were an inode
)

type machineInode struct {
	pages, referenced, freeing, freed bool
	count                             int
}

// Where a walk stands.
const (
	begins = iota
	unlocked
	relocks
	frees
	done
)

type machineWalk struct {
	at, budget int
	item, next int // it is at, and goes on with
	twice      bool
}

func (m *walkMachine) find(item int) (list, at int) {
	for i, l := range m.lists {
		if at := slices.Index(l, item); at >= 0 {
			return i, at
		}
	}
	return none, 0
}

func (m *walkMachine) next(item int) int {
	switch list, at := m.find(item); {
	case list == none:
		return item
	case at+1 < len(m.lists[list]):
		return m.lists[list][at+1]
	case list == lru:
		return none
	default:
		return head
	}
}

func (m *walkMachine) remove(item int) {
	if list, at := m.find(item); list != none {
		m.lists[list] = slices.Delete(slices.Clone(m.lists[list]), at, at+1)
	}
}

func (m *walkMachine) insert(list, at, item int) {
	m.lists[list] = slices.Insert(slices.Clone(m.lists[list]), at, item)
}

// walk has walk i go on at an item until it gives the lock up. It reports false if it fails.
func (m *walkMachine) walk(i, item int) bool {
	w := &m.walks[i]
	for item != none {
		if item == head {
			m.kinds[schedule.OutOfBounds] = true
			return false
		}
		if m.inodes[item].freed {
			m.kinds[schedule.UseAfterFree] = true
			return false
		}
		w.item, w.next = item, m.next(item)
		if m.always && !w.pay(m.early) {
			break
		}
		switch inode := &m.inodes[item]; {
		case inode.count > 0 || inode.freeing:
			m.remove(item)
			if !m.isolated() {
				return false
			}
		case inode.referenced:
			inode.referenced = false
			m.remove(item)
			m.insert(lru, len(m.lists[lru]), item)
		case inode.pages:
			inode.count++
			w.at = unlocked
			return true
		default:
			inode.freeing = true
			m.remove(item)
			m.insert(1+i, 0, item)
			if !m.isolated() {
				return false
			}
		}
		if !m.always && !w.pay(false) {
			break
		}
		item = w.next
	}
	w.at = frees
	return true
}

// isolated counts an item less. It reports false if that fails.
func (m *walkMachine) isolated() bool {
	if m.items--; m.items < 0 {
		m.kinds[schedule.BugOn] = true
	}
	return m.items >= 0
}

// pay reports whether the walk may go on, and takes one off what it may.
func (w *machineWalk) pay(early bool) bool {
	w.budget--
	return w.budget > 0 || w.budget == 0 && !early
}

// step takes the next step of walk i. It reports false if it fails.
func (m *walkMachine) step(i int) bool {
	w := &m.walks[i]
	switch w.at {
	case unlocked: // drop the pages, and the reference
		inode := &m.inodes[w.item]
		inode.pages = false
		if inode.count--; inode.count == 0 {
			inode.referenced = true
			if list, _ := m.find(w.item); list == none && !inode.freeing {
				m.insert(lru, len(m.lists[lru]), w.item)
				m.items++
			}
		}
		w.at = relocks
		return true
	case relocks:
		again := m.always || !w.twice
		w.twice = !w.twice
		if !again {
			if !w.pay(false) {
				w.at = frees
				return true
			}
			return m.walk(i, w.next)
		}
		fallthrough
	case begins:
		return m.walk(i, m.first(lru))
	default: // frees
		item := m.first(1 + i)
		if item == none {
			w.at = done
			return true
		}
		m.remove(item)
		m.inodes[item].freed = true
		return true
	}
}

func (m *walkMachine) first(list int) int {
	if len(m.lists[list]) == 0 {
		return none
	}
	return m.lists[list][0]
}

// run looks at every interleaving from here.
func (m walkMachine) run() {
	for i := range m.walks {
		if next := m; m.walks[i].at != done && next.step(i) {
			next.run()
		}
	}
	for i, inode := range m.inodes {
		list, _ := m.find(i)
		if m.walks[0].at == done && m.walks[1].at == done && !inode.freed && list == none {
			m.kinds[schedule.Leak] = true
		}
	}
}

// TestWalkMachine compares the kinds of failure of the fixed programs with the machine's.
func TestWalkMachine(t *testing.T) {
	for _, p := range Walks() {
		if p.Workload {
			continue
		}
		m := walkMachine{always: p.Variant != "next-2013", early: p.Variant == "3.12-rc",
			kinds: map[schedule.Kind]bool{}}
		m.lists[lru], m.items = []int{0, 1}, 2
		m.inodes = [2]machineInode{{pages: true}, {pages: true}}
		m.walks = [2]machineWalk{{budget: 2}, {budget: maxNrToScan}}
		m.run()
		for _, e := range p.Expect {
			if !m.kinds[e.Kind] {
				t.Errorf("%s: the machine has no %v", p.Name(), e.Kind)
			}
		}
		if len(m.kinds) != len(p.Expect) {
			t.Errorf("%s: the machine has %v, the model %v", p.Name(), m.kinds, p.Expect)
		}
	}
}
