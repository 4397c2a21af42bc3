package schedule

import (
	"runtime"
	"slices"
	"strings"
)

// primitives is part of the import path of the packages whose functions are
// not named as the place of a step: a developer wants to read that
// lookup_ioctx takes the reference, not that percpu_ref_get does.
const primitives = "/kmodel/linux/"

// A Frame is one function on the stack of a step, such as {"kmodel/fs/aio",
// "lookupIoctx"}.
//
// Not every Go function is one of the kernel's. Those that are not count as part of
// their caller, as a macro does, and have no frame: functions whose name ends in an
// underscore, function literals, and the Run of an [Agent].
type Frame struct {
	Package string // import path without the module's
	Func    string // without package, receiver and type parameters
}

// String returns the function in C spelling.
func (f Frame) String() string { return CName(f.Func) }

// Primitive reports whether f is inside a primitive, rather than in the
// kernel function that uses it.
func (f Frame) Primitive() bool { return strings.Contains("/"+f.Package+"/", primitives) }

// KernelFunc returns the kernel function at the top of a stack: the innermost that is
// not a primitive's, else the outermost.
func KernelFunc(stack []Frame) string {
	for _, f := range stack {
		if !f.Primitive() {
			return f.String()
		}
	}
	if n := len(stack); n > 0 {
		return stack[n-1].String()
	}
	return ""
}

// pcs are the program counters of a stack, innermost first. What a model never has so many
// frames for is not among its functions.
type pcs [64]uintptr

// modelStack returns the functions of the model that are under way, innermost
// first: the frames between this package's scheduling point and its coroutine
// root. A program has few stacks, and to find the names of one takes many times as long
// as to walk it: they are found once, and the result is not to be written to.
func (e *Exec) modelStack() []Frame {
	var at pcs
	n := runtime.Callers(3, at[:])
	out, known := e.stacks[at]
	if !known {
		out = modelFrames(at[:n])
		e.stacks[at] = out
	}
	return out
}

// Call returns a number that stands for the place in the code of a model that takes the step of t
// under way: the innermost call that is not a primitive's. It takes long to find, and is for
// comparisons within a process.
func (t *Thread) Call() uintptr {
	var at pcs
	frames := runtime.CallersFrames(at[:runtime.Callers(2, at[:])])
	for parking := false; ; {
		f, more := frames.Next()
		fr := parseFrame(f.Function)
		switch {
		case fr.Package == "schedule":
			parking = true
		case parking && !fr.Primitive():
			return f.PC
		}
		if !more {
			return 0
		}
	}
}

func modelFrames(at []uintptr) (out []Frame) {
	frames := runtime.CallersFrames(at)
	for {
		f, more := frames.Next()
		fr := parseFrame(f.Function)
		if fr.Package == "schedule" {
			if fr.Func == "run" {
				return slices.Clip(out)
			}
		} else if fr.Func != "" {
			out = append(out, fr)
		}
		if !more {
			return slices.Clip(out)
		}
	}
}

const module = "github.com/kschedfuzz/kschedfuzz/"

// parseFrame splits a Go symbol such as
// "github.com/kschedfuzz/kschedfuzz/kmodel/fs/aio.(*mmStruct).lookupIoctx".
func parseFrame(symbol string) Frame {
	symbol = strings.TrimPrefix(symbol, module)
	slash := strings.LastIndexByte(symbol, '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot < 0 {
		return Frame{Func: symbol}
	}
	pkg, name := symbol[:slash+dot], symbol[slash+dot+1:]
	name = strings.ReplaceAll(name, "[...]", "")
	name = strings.TrimSuffix(name, "-fm")
	last := name[strings.LastIndexByte(name, '.')+1:]
	literal := strings.Trim(strings.TrimPrefix(last, "func"), "0123456789") == ""
	if literal || strings.HasSuffix(last, "_") || last == "Run" {
		last = ""
	}
	return Frame{Package: pkg, Func: last}
}
