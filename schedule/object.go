package schedule

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unsafe"
)

// An Object is the header of something that is allocated and freed as a whole.
// A struct of a model embeds it and calls Bind once. Touching a cell of an
// object that has been freed is a use-after-free, without the model's author
// having to say anything.
type Object struct {
	exec    *Exec
	id      uint64 // (allocating thread + 1, nth allocation) above the 12 bits of Cell.num
	self    Cell   // 1 while live, 2 once freed
	cells   []*Cell
	insides []inside // by cell
	kind    string   // "ctx"
	owner   reflect.Type
	nth     int    // which of its kind in this execution, from 0
	live    uint64 // the epoch in which it is live, else 0
	stack   bool
	global  bool
	static  bool // in this execution
	spied   spying
	alloc   Party
	freed   Party
	seen    uint64 // mark of the leak check
	unseen  bool   // no trace shows it
	loaders []Set  // of the cells, by number: see Loads
}

// An inside is what is known of a cell that a primitive has made part of itself.
type inside struct {
	part  string   // its name in the primitive: "percpu"
	words []string // what its values mean, by value
	flags []string // what its bits mean, by bit
	who   bool     // its bits are threads
	bias  uint     // which bit holds its value up; 0: none
}

// Header returns o: it lets [Ptr] find the header in any struct that embeds one.
func (o *Object) Header() *Object { return o }

// Name returns the name in traces: the kind, and a number from the second of
// its kind on, such as "ctx" and "ctx2".
func (o *Object) Name() string {
	if o.nth == 0 {
		return o.kind
	}
	return fmt.Sprintf("%s%d", o.kind, o.nth+1)
}

// Self returns a cell that stands for the object as a whole: what an operation
// on all of it (freeing it) names.
func (o *Object) Self() *Cell { return &o.self }

// Kind returns the name that all objects of this sort share.
func (o *Object) Kind() string { return o.kind }

// Struct returns the name in C spelling of the struct that embeds o, such as "kioctx": what
// two objects have in common that have kinds of their own, as global variables have.
func (o *Object) Struct() string { return CName(o.owner.Name()) }

// Live reports whether o is allocated now.
func (o *Object) Live() bool {
	if o.self.spied {
		o.self.noted()
	}
	return o.exec != nil && o.live == o.exec.epoch
}

// SetOnStack says that o is a local variable of a kernel function, freed when that
// returns. It belongs in the constructor of the object.
func (o *Object) SetOnStack() { o.stack = true }

// SetGlobal says that o is a global variable of the kernel. It belongs where o is bound.
func (o *Object) SetGlobal() { o.global = true }

// SetPrivate says that o is no memory of the kernel's, but what a primitive knows: no store to it
// waits in a store buffer, or comes after those that do. It belongs where o is bound.
func (o *Object) SetPrivate() {
	for _, c := range o.cells {
		c.SetPrivate()
	}
}

// IsGlobal reports whether o is a global variable of the kernel.
func (o *Object) IsGlobal() bool { return o.global }

// OnStack reports whether o is a local variable of a kernel function: what becomes of its
// memory no sanitizer of the kernel sees.
func (o *Object) OnStack() bool { return o.stack }

// Static reports whether o is there for the whole execution: nobody ever frees it.
func (o *Object) Static() bool { return o.static }

// Allocated returns the step that allocated o; nobody if it was there from the
// start.
func (o *Object) Allocated() Party { return o.alloc }

// Freed returns the step that freed o, if it has been freed.
func (o *Object) Freed() Party { return o.freed }

// Bind finds the cells of owner, a pointer to the struct that embeds o, and
// names them after their fields. It is called once in the life of a Go object,
// however many executions use it, and uses reflection.
//
// A field's name is put in C spelling (ioctxTable becomes ioctx_table). The
// inside of a struct from another package is not named: the count inside a
// reference count is just "users", as a kernel developer would write it. A
// primitive may say with the tag of a cell what its values mean in traces:
// words:"none,linked" by value, flags:"atomic,dead" by bit, flags:"threads" a set
// of threads, bias:"40" a number that may have that bit added to it: bias+2.
func (o *Object) Bind(owner any, kind string) {
	if o.kind != "" {
		panic(fmt.Sprintf("schedule: object %q bound twice", o.kind))
	}
	o.kind = kind
	o.self.obj = o
	o.self.SetPrivate()
	v := reflect.ValueOf(owner).Elem()
	o.owner = v.Type()
	o.bind(v, "", v.Type().PkgPath(), inside{})
	if len(o.cells) > maxCells {
		panic(fmt.Sprintf("schedule: object %q has %d cells, the limit is %d", kind, len(o.cells), maxCells))
	}
}

var (
	cellType   = reflect.TypeFor[Cell]()
	objectType = reflect.TypeFor[Object]()
)

func (o *Object) bind(v reflect.Value, path, pkg string, in inside) {
	switch typ := v.Type(); {
	case typ == objectType:
	case typ == cellType:
		c := (*Cell)(unsafe.Pointer(v.UnsafeAddr()))
		o.cells, o.insides = append(o.cells, c), append(o.insides, in)
		c.obj, c.num, c.name = o, uint64(len(o.cells)), path
	case typ.Kind() == reflect.Array:
		for i := range v.Len() {
			o.bind(v.Index(i), fmt.Sprintf("%s[%d]", path, i), pkg, in)
		}
	case typ.Kind() == reflect.Struct:
		ptr := typ.PkgPath() == objectType.PkgPath() && strings.HasPrefix(typ.Name(), "Ptr[")
		for i := range v.NumField() {
			f, inner, innerIn := typ.Field(i), path, in
			switch {
			case ptr || f.Anonymous:
			case strings.Contains(typ.PkgPath(), "/internal/"): // a queue's own affair
				innerIn = inside{}
			case typ.PkgPath() == pkg:
				inner = strings.TrimPrefix(path+"."+CName(f.Name), ".")
			default:
				innerIn = in.field(f)
			}
			o.bind(v.Field(i), inner, pkg, innerIn)
			if ptr && f.Type == cellType {
				o.cells[len(o.cells)-1].ptr = true
			}
		}
	}
}

// field returns what is known of a field of a primitive.
func (in inside) field(f reflect.StructField) inside {
	out := inside{part: strings.TrimPrefix(in.part+"."+CName(f.Name), ".")}
	if tag, ok := f.Tag.Lookup("words"); ok {
		out.words = strings.Split(tag, ",")
	}
	if tag, ok := f.Tag.Lookup("flags"); ok {
		out.flags, out.who = strings.Split(tag, ","), tag == "threads"
	}
	if tag, ok := f.Tag.Lookup("bias"); ok {
		bit, err := strconv.ParseUint(tag, 10, 6)
		if err != nil {
			panic(fmt.Sprintf("schedule: field %s: bias %q is not the number of a bit", f.Name, tag))
		}
		out.bias = uint(bit)
	}
	return out
}

// CName returns a Go name in the spelling of C: lookupIoctx is lookup_ioctx,
// userID is user_id.
func CName(name string) string {
	var b strings.Builder
	rs := []rune(name)
	for i, r := range rs {
		if unicode.IsUpper(r) && i > 0 && rs[i-1] != '_' &&
			(!unicode.IsUpper(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Alloc makes o live with all cells 0, allocated by t; nth says which of its
// kind it is in this execution. It must be freed, or be reachable from a static
// object, when the execution ends, or that is a [Leak].
func (t *Thread) Alloc(o *Object, nth int) {
	if t.allocs++; t.allocs > maxAllocs {
		panic(fmt.Sprintf("schedule: thread %s allocates more than %d objects", t.Name, maxAllocs))
	}
	t.exec.alloc(o, t.base|uint64(t.allocs)<<12, nth)
	o.alloc = Party{t, t.exec.steps}
	if rec := t.exec.rec; rec != nil {
		rec.allocs[o] = t.exec.modelStack()
	}
	t.exec.heap = append(t.exec.heap, o)
}

// AllocBoot is Alloc for what is there before the first thread runs. It counts
// as allocated by nobody.
func (e *Exec) AllocBoot(o *Object, nth int) {
	e.boot(o, nth)
	e.heap = append(e.heap, o)
}

func (e *Exec) boot(o *Object, nth int) {
	e.boots++
	e.alloc(o, uint64(e.boots)<<12, nth)
}

// Static makes o live with all cells 0 for the whole execution. It is never
// freed and never leaks, and what it points to does not leak either.
func (e *Exec) Static(o *Object, nth int) {
	e.boot(o, nth)
	o.static = true
	e.static = append(e.static, o)
}

// The upper half of an identity is whose object it is: nobody's, what is there before the
// first step; thread n's, at n+1; or a facility's, which comes to life when it is first
// used and must not renumber anything. That of facilities lies among those of threads,
// where it was when there were 64 of them: identities are in all hashes of states.
const (
	facilityOwner = wordBits + 2
	facilityBase  = uint64(facilityOwner) << 32
)

// baseOf returns the upper half of the identities of what thread id allocates.
func baseOf(id int) uint64 {
	owner := uint64(id + 1)
	if owner >= facilityOwner {
		owner++
	}
	return owner << 32
}

// facility reports whether o belongs to a facility.
func (o *Object) facility() bool { return o.id>>32 == facilityOwner }

func (e *Exec) alloc(o *Object, id uint64, nth int) {
	if o.kind == "" {
		panic("schedule: an object is allocated before Bind")
	}
	if o.live == e.epoch {
		panic(fmt.Sprintf("schedule: object %q is allocated while live", o.kind))
	}
	if o.id != id {
		o.identify(id)
	}
	o.exec, o.nth, o.live, o.static = e, nth, e.epoch, false
	o.alloc, o.freed = Party{}, Party{}
	for _, c := range o.cells {
		c.val, c.lo, c.hi, c.ref = 0, 0, 0, nil
	}
	o.self.val, o.self.lo, o.self.hi = 0, 0, 0
	if o.spied != e.spying {
		o.spy(e.spying)
	}
	if e.rmo {
		o.loaders = e.loads.of(layout{o.kind, len(o.cells)})
	}
	if e.rec != nil {
		e.rec.allocated(o)
	}
	o.self.Set(1)
}

// identify gives o an identity. Most objects have the same one in most executions.
func (o *Object) identify(id uint64) {
	o.id, o.self.key = id, 0
	for _, c := range o.cells {
		c.key = 0
	}
}

// Free ends the life of o. Freeing it again is a [DoubleFree] of t. The cells stay
// in the memory hash: something may still have the object in a queue, and whether
// that is ready is a function of its cells.
func (t *Thread) Free(o *Object) {
	if o.live != t.exec.epoch {
		t.Fail(DoubleFree, o, o.freed, "")
	}
	o.self.Set(2)
	o.live = 0
	o.freed = Party{t, t.exec.steps}
	if rec := t.exec.rec; rec != nil {
		rec.freed(o)
	}
}

// checkLeaks marks what static objects refer to, and what that refers to, and
// fails for the first allocated object that is neither freed nor marked. It is
// kmemleak, run at the end of every execution that leaves something allocated.
func (e *Exec) checkLeaks() {
	left := 0
	for _, o := range e.heap {
		if o.live == e.epoch {
			left++
		}
	}
	if left == 0 {
		return
	}
	queue := append(e.scratch[:0], e.static...)
	for i := 0; i < len(queue); i++ {
		for _, c := range queue[i].cells {
			if r := c.ref; r != nil && c.val != 0 && r.live == e.epoch && r.seen != e.epoch {
				r.seen = e.epoch
				queue = append(queue, r)
			}
		}
	}
	e.scratch = queue
	var lost *Object // the first by identity: e.heap is in the order of the history
	for _, o := range e.heap {
		if o.live == e.epoch && o.seen != e.epoch && (lost == nil || o.id < lost.id) {
			lost = o
		}
	}
	if lost != nil {
		e.outcome = Fail
		e.failure = Failure{Kind: Leak, Obj: lost, Other: lost.alloc}
	}
}
