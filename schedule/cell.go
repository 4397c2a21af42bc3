package schedule

// maxCells is the most cells an object may have: their number shares a word
// with the object's identity. maxAllocs is the most objects one thread may
// allocate in an execution, for the same reason.
const (
	maxCells  = 1<<12 - 1
	maxAllocs = 1<<20 - 1
)

// A Cell is one word of shared memory. It is part of an [Object], found there
// by [Object.Bind]. The methods of Cell are no steps: a primitive takes a step
// first ([Thread.Step]) and then uses them.
type Cell struct {
	val   uint64
	lo    uint64 // what the cell adds to the memory hash now, first lane
	hi    uint64 // second lane, if the runner is Wide
	key   uint64 // hash of ID; 0: not known yet
	keyHi uint64
	obj   *Object
	num   uint64 // place in the object, from 1; 0 is the object itself
	name  string // path below the object: "users", "table[2]"
	ref   *Object
	ptr   bool // part of a Ptr
	spied bool // somebody wants to know what is done with it: see Exec.spying

	private bool // see SetPrivate
}

// Value returns the word.
func (c *Cell) Value() uint64 {
	if c.spied {
		return c.noted()
	}
	return c.val
}

// ID returns the number that stands for the cell in the state hash. It is the
// same in every execution in which the object is the nth that its thread
// allocated. Where a primitive must put cells in some order, this is the one
// that does not depend on history.
func (c *Cell) ID() uint64 { return c.obj.id | c.num }

// SetPrivate is [Object.SetPrivate] of c alone: also of memory of which the kernel does not see
// whether a store to it comes before another. It belongs in the constructor of the object.
func (c *Cell) SetPrivate() { c.private = true }

// Object returns the object that the cell is part of.
func (c *Cell) Object() *Object { return c.obj }

// Set changes the word and the memory hash.
func (c *Cell) Set(v uint64) {
	e := c.obj.exec
	if c.val == v {
		if c.spied {
			e.stored(c)
		}
		return
	}
	if c.key == 0 {
		c.key, c.keyHi = hashPair(c.obj.id|c.num, 0), hashPairHi(c.obj.id|c.num, 0)
	}
	part := uint64(0)
	if v != 0 {
		part = product(c.key, v^mixKey)
	}
	e.lo ^= c.lo ^ part
	old := c.val
	c.val, c.lo = v, part
	if e.wide {
		if part = 0; v != 0 {
			part = product(c.keyHi, v^mixKeyHi)
		}
		e.hi ^= c.hi ^ part
		c.hi = part
	}
	if c.spied {
		e.changed(c, old)
	}
}

// Name returns the cell's name as C would write it, such as "ctx->users".
func (c *Cell) Name() string {
	switch {
	case c.obj == nil:
		return "?"
	case c.name == "":
		return c.obj.Name()
	}
	return c.obj.Name() + "->" + c.name
}

// Path returns the name below the object: "users"; empty if the cell is all of it.
func (c *Cell) Path() string { return c.name }

// A Ptr is a cell that holds a pointer to an object of a model, or nil. P is a
// pointer type to a struct that embeds [Object].
type Ptr[P Pointer] struct {
	Cell
	p P
}

// Header is any struct that embeds [Object].
type Header interface{ Header() *Object }

// Pointer is what a [Ptr] may point to.
type Pointer interface {
	comparable
	Header
}

// Get returns the pointer. It is no step.
func (c *Ptr[P]) Get() P {
	if c.Value() == 0 { // also after the object was zeroed, which does not touch p
		var null P
		return null
	}
	if c.spied && c.obj.exec.tso {
		return c.seen()
	}
	return c.p
}

// Put changes the pointer. It is no step.
func (c *Ptr[P]) Put(p P) {
	var null P
	if c.spied && c.obj.exec.rmo {
		c.obj.exec.was = c.p
	}
	if p == null {
		c.ref = nil
		c.Set(0)
		return
	}
	c.p, c.ref = p, p.Header()
	c.Set(c.ref.id)
}
