// Package global is variables of the kernel that are in no structure, as DEFINE_SPINLOCK() and the
// like make them. Each is an object, so that traces name it as the kernel does, and its cell has no
// name but the object's.
//
// Steps and misuse are those of the primitive. It names nothing and starts nothing: that is for the
// model that has the variable ([github.com/kschedfuzz/kschedfuzz/kmodel/program.Globals]).
package global

import (
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/list"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/mutex"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/rwsem"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/seqlock"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/spin"
	"github.com/kschedfuzz/kschedfuzz/kmodel/linux/workqueue"
	"github.com/kschedfuzz/kschedfuzz/schedule"
)

type spinlock = spin.Lock // embedded as spin.Lock, the field would hide the method

// A Spin is a spinlock_t.
type Spin struct {
	schedule.Object
	spinlock
}

// A Seqlock is a seqlock_t.
type Seqlock struct {
	schedule.Object
	seqlock.Lock
}

// A Mutex is a struct mutex.
type Mutex struct {
	schedule.Object
	mutex.Mutex
}

// A Sem is a struct rw_semaphore.
type Sem struct {
	schedule.Object
	rwsem.Sem
}

// A Work is a struct work_struct.
type Work struct {
	schedule.Object
	workqueue.Work
}

// An Int is an int.
type Int struct {
	schedule.Object
	mem.Int
}

// A Ptr is a pointer.
type Ptr[P schedule.Pointer] struct {
	schedule.Object
	mem.Ptr[P]
}

// A List is the head of a list.
type List[E list.Entry[E]] struct {
	schedule.Object
	list.Head[E]
}
