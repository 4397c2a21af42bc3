package triage

import (
	"encoding/json"
	"io"

	"github.com/kschedfuzz/kschedfuzz/schedule"
)

// DocumentSchema is what a [Document] says that it is. The number changes when a field
// goes away or means something else; new fields may come without that. In 1, threads of
// one name had one name.
const DocumentSchema = "kschedfuzz-report/2"

// A Document is a report as JSON: all that [Report.WriteText] tells, and the interleaving
// step by step. docs/report.schema.json is the same for other languages. Tapes are in
// digits, signatures and kinds in the words that the text has.
type Document struct {
	Schema    string   `json:"schema"` // DocumentSchema
	Title     string   `json:"title"`
	Story     []string `json:"story,omitempty"` // what happens, in a few sentences
	Kind      string   `json:"kind,omitempty"`  // of failure; empty: it does not fail
	Signature string   `json:"signature"`
	Program   Code     `json:"program"`

	Note     string   `json:"note,omitempty"`
	Splat    []string `json:"splat,omitempty"`
	Accesses []Access `json:"accesses,omitempty"`
	Waits    []Wait   `json:"waits,omitempty"`

	Tape        string     `json:"tape"` // repeats the execution
	Size        Size       `json:"size"`
	Original    *Size      `json:"original,omitempty"` // before it was minimized
	Certificate *Proof     `json:"certificate,omitempty"`
	Why         *Why       `json:"why,omitempty"`
	WhyNot      string     `json:"why_not,omitempty"`   // asked for, and not found
	Elsewhere   *Elsewhere `json:"elsewhere,omitempty"` // with the orders of Why
	EndedIn     *Variant   `json:"ended_in,omitempty"`  // the first later one that ends this failure
	Chance      *Odds      `json:"chance,omitempty"`
	Slips       []Met      `json:"slips,omitempty"` // other failures met on the way

	Columns      string        `json:"columns"` // the interleaving as text
	Interleaving *Interleaving `json:"interleaving"`
}

// Code is the program that was run, with what [About] says of it.
type Code struct {
	Name     string    `json:"name"`
	Versions string    `json:"versions,omitempty"` // the kernels that had this code
	Patches  string    `json:"patches,omitempty"`  // what distinguishes the variant
	GoneOn   []string  `json:"gone_on_after,omitempty"`
	Command  string    `json:"command,omitempty"`  // repeats the execution
	Variants []Variant `json:"variants,omitempty"` // the others
}

// A Proof is a [Certificate] with what it comes to.
type Proof struct {
	Certificate
	Proven bool   `json:"proven"` // no execution with fewer preemptions fails this way
	Text   string `json:"text"`
}

// A Size is how large an execution is.
type Size struct {
	Threads     int `json:"threads"` // agents are not counted
	Agents      int `json:"agents"`
	Calls       int `json:"calls"` // of a workload
	Preemptions int `json:"preemptions"`
	Switches    int `json:"context_switches"`
	Steps       int `json:"steps"`
}

// Why is an [Explanation] that was found: the executions that keep all orders and choices are
// those that fail so.
type Why struct {
	Orders  []WhyOrder  `json:"orders"`
	Choices []WhyChoice `json:"choices,omitempty"`
	Old     []OldLoad   `json:"old,omitempty"`   // loads of old values that matter
	Setup   string      `json:"setup,omitempty"` // choices that all these executions begin with
	States  int         `json:"states"`          // that were explored: all
}

// A WhyOrder is an order of two steps, and the tape of an execution that keeps all others
// and does not fail so.
type WhyOrder struct {
	Before Place `json:"before"`
	After  Place `json:"after"`
	// Reads is "old" if Before is a load that has read what was there before After, whichever is
	// taken first, and "new" if After is one that has seen what Before has stored.
	Reads   string `json:"reads,omitempty"`
	Without string `json:"without"`
}

// A WhyChoice is what was chosen in a step, and the tape of an execution that keeps all orders and
// the other choices and does not fail so.
type WhyChoice struct {
	At      Place  `json:"at"`
	Which   int    `json:"which"` // of the choices in the step, from 1
	Taken   int    `json:"taken"` // from 0
	Of      int    `json:"of"`    // alternatives
	Meaning string `json:"meaning,omitempty"`
	Without string `json:"without"`
}

// Odds are a [Chance] that was found.
type Odds struct {
	Start   float64    `json:"start"`           // probability of the failure before the first step
	Quantum int        `json:"quantum"`         // a thread is preempted at one step in so many
	States  int        `json:"states"`          // that it was computed over: all
	Rises   []OddsRise `json:"rises,omitempty"` // of this execution, in its order; it may fall too
	Pair    *OddsPair  `json:"pair,omitempty"`
	Text    string     `json:"text"`
}

// An OddsPair is a [Pair].
type OddsPair struct {
	First   Place   `json:"first"`
	Second  Place   `json:"second"`
	To      float64 `json:"to"`      // probability of the failure after the two in this order
	Swapped string  `json:"swapped"` // tape of the other order, with which it cannot fail so
}

// An OddsRise is a decision that changes the probability.
type OddsRise struct {
	Step int     `json:"step"` // that was chosen
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Met is a [Slip].
type Met struct {
	Title     string `json:"title"`
	Signature string `json:"signature"`
	Tape      string `json:"tape"`
}

// Document returns the report as [Report.WriteJSON] writes it.
func (r *Report) Document() *Document {
	d := &Document{
		Schema: DocumentSchema, Title: r.Title, Story: r.Story, Signature: r.Signature.String(),
		Program: r.code(),
		Note:    r.Note, Splat: r.Splat, Accesses: r.Accesses, Waits: r.Waits,
		Tape: TapeText(r.Tape), Size: sizeOf(r.Measure, r.Agents),
		Columns: r.Columns, Interleaving: r.Interleaving,
	}
	if r.Signature.Kind != schedule.NoFailure {
		d.Kind = r.Signature.Kind.String()
	}
	if r.Original != nil {
		size := sizeOf(*r.Original, r.Agents)
		d.Original = &size
	}
	if c := r.Certificate; c != nil {
		d.Certificate = &Proof{*c, c.Proven(), c.String()}
	}
	if ex := r.Explanation; ex != nil && ex.Found {
		d.Why, d.Elsewhere = ex.document(), &r.Elsewhere
		d.EndedIn, _ = r.ended()
	} else if ex != nil {
		d.WhyNot = ex.String()
	}
	if ch := r.Chance; ch != nil && ch.Found {
		d.Chance = &Odds{Start: ch.Start, Quantum: Quantum, States: ch.States, Text: ch.String()}
		for _, rise := range ch.Rises {
			d.Chance.Rises = append(d.Chance.Rises, OddsRise(rise))
		}
		if p := ch.Pair; p != nil {
			d.Chance.Pair = &OddsPair{p.First, p.Second, p.To, TapeText(p.Swapped)}
		}
	}
	for _, s := range r.Slips {
		d.Slips = append(d.Slips, Met{s.Title, s.Signature.String(), TapeText(s.Tape)})
	}
	return d
}

func (r *Report) code() Code {
	a := &r.About
	return Code{
		Name: r.Program, Versions: a.Versions, Patches: a.Patches, GoneOn: a.Mute.Names(),
		Command: a.Command, Variants: a.Variants,
	}
}

func sizeOf(m Measure, agents int) Size {
	return Size{m.Threads, agents, m.Calls, m.Preemptions, m.Switches, m.Steps}
}

func (ex *Explanation) document() *Why {
	why := &Why{States: ex.States, Setup: ex.Setup.String(), Orders: []WhyOrder{}, Old: ex.Old}
	for _, r := range ex.Because {
		without := TapeText(r.Without)
		if r.Of > 0 {
			why.Choices = append(why.Choices,
				WhyChoice{r.Before, r.Which, r.Taken, r.Of, r.Meaning, without})
			continue
		}
		why.Orders = append(why.Orders, WhyOrder{r.Before, r.After, r.Reads.String(), without})
	}
	return why
}

// WriteJSON writes the report as a [Document].
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r.Document())
}
