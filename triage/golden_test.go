package triage_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/schedule"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

const goldenText = `KASAN: use-after-free in lookup_ctx

io_destroy frees the context after lookup_ctx has read the table.
-- program --
toy/lookup-vs-destroy
-- schedule --
1200000001
-- want --
v2 use-after-free lookup_ctx free_ctx
-- trace --
     io_getevents               io_destroy                 [kworker]
     read_events()
     lookup_ctx()
  1    rcu_dereference mm->slot = ctx
       -- preempted --
                                destroy_ctx()
                                acquire()
  2                               spin_lock mm->lock
                                destroy_ctx()
  3                               READ_ONCE mm->slot = 1
  4                               rcu_assign_pointer mm->slot <- NULL
                                release()
  5                               spin_unlock mm->lock
                                put_ctx()
  6                               refcount_dec_and_test ctx->users = 1 (now 0)
                                queue_free()
  7                               schedule_work mm->queued <- 1
  8                                                          work runs mm->queued <- 0
                                                           free_ctx()
  9                                                        * kfree ctx
 10  * refcount_inc ctx->users
       -- use-after-free --
`

// edit returns goldenText with old replaced.
func edit(old, text string) string { return strings.Replace(goldenText, old, text, 1) }

func TestGoldenRoundTrip(t *testing.T) {
	g, err := triage.ParseGolden("golden", []byte(goldenText))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := g.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != goldenText {
		t.Errorf("got\n%s\nwant\n%s", out.String(), goldenText)
	}
	if !triage.IsGolden(out.Bytes()) {
		t.Error("not recognized as a golden")
	}
	if err := g.Check(lookupRace); err != nil {
		t.Error(err)
	}
}

// TestGoldenOfTrace goes all the way: minimize, write, read, replay.
func TestGoldenOfTrace(t *testing.T) {
	mute := schedule.KindSet(schedule.RefResurrect, schedule.DoubleRelease)
	for _, p := range []schedule.Program{lookupRace, window, abba, forget, workload} {
		for _, s := range failing(t, p, mute, 5) {
			res := minimize(t, p, s, triage.Options{Mute: mute, Nodes: 1})
			g := triage.NewGolden(res.Trace, mute)
			g.Comment = "A comment.\n\nOf two paragraphs."
			file := filepath.Join(t.TempDir(), "golden.txtar")
			var out bytes.Buffer
			if _, err := g.WriteTo(&out); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			back, err := triage.ReadGolden(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(g.Tape) == 0 {
				g.Tape = back.Tape // both empty
			}
			if !reflect.DeepEqual(back, g) {
				t.Errorf("%s: wrote %+v, read %+v", p.Name, g, back)
			}
			if err := back.Check(p); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestGoldenCheckErrors(t *testing.T) {
	for _, test := range []struct {
		name, text string
		program    schedule.Program
		want       string
	}{
		{"program", goldenText, window, `golden of program "toy/lookup-vs-destroy", not "toy/window"`},
		{"misfit", edit("1200000001", "9200000001"), lookupRace,
			`toy/lookup-vs-destroy: tape "9200000001": ` +
				"decision 0: 9 does not fit, there are 3 alternatives (0-2)"},
		{"too long", edit("1200000001", "120000000100000000001"), lookupRace,
			`toy/lookup-vs-destroy: tape "120000000100000000001": ` +
				"decision 10: the execution is over after 10 decisions, the tape has 21"},
		{"otherwise", edit("1200000001", "12000002"), lookupRace,
			"toy/lookup-vs-destroy: tape 12000002 fails otherwise: " +
				"as \"v2 refcount-resurrect lookup_ctx -\", " +
				"want \"v2 use-after-free lookup_ctx free_ctx\""},
		{"passes", edit("1200000001", "0"), lookupRace,
			"toy/lookup-vs-destroy: tape 0 passes (15 steps)"},
		{"trace", edit("spin_lock ", "spin_lick "), lookupRace,
			"toy/lookup-vs-destroy: tape 1200000001: " +
				`trace line 8: got "  2                               spin_lock mm->lock", ` +
				`want "  2                               spin_lick mm->lock"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, err := triage.ParseGolden("golden", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Check(test.program); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestParseGoldenErrors(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "f:1: the file is truncated: the last line has no end"},
		{"no end", strings.TrimSuffix(goldenText, "\n"),
			"f:31: the file is truncated: the last line has no end"},
		{"no title", "\n" + goldenText, "f:1: the first line is empty, want the title"},
		{"title only", "title\n", `f:1: the file is truncated: there is no section "program"`},
		{"truncated", goldenText[:strings.Index(goldenText, "-- want")],
			`f:7: the file is truncated: there is no section "want"`},
		{"order", edit("-- want --", "-- trace --"), `f:8: section "trace", want "want"`},
		{"unknown", edit("-- want --", "-- wont --"), `f:8: section "wont", want "want"`},
		{"no schedule", edit("1200000001\n", ""), `f:6: section "schedule" has 0 lines, want 1`},
		{"two schedules", edit("1200000001\n", "12\n13\n"),
			`f:8: section "schedule" has 2 lines, want 1`},
		{"digit", edit("1200000001", "120g000001"),
			`f:7: tape position 3: 'g' is not a hex digit (0-9, a-f)`},
		{"open digit", edit("1200000001", "12f"), "f:7: tape position 3: ends inside a decision " +
			"(f is followed by another digit)"},
		{"signature", edit("v2 use-after-free lookup_ctx free_ctx", "v2 use-after-free"),
			`f:9: signature "v2 use-after-free": 2 words, want 4: v2 kind function other`},
		{"mute", edit("-- want --", "-- mute --\nleak\n-- want --"),
			`f:9: "leak" is no kind of failure; there are: ` + triage.KindsText(schedule.Warnings)},
		{"no trace", goldenText[:strings.Index(goldenText, "-- trace --\n")+len("-- trace --\n")],
			`f:10: section "trace" is empty`},
		{"one more", goldenText + "-- more --\n", "f:33: another section after the last"},
		{"large", strings.Repeat("x", triage.MaxGolden) + "\n",
			"f:1: larger than the limit of 262144 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := triage.ParseGolden("f", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestGoldenWriteErrors: what could not be read back is not written.
func TestGoldenWriteErrors(t *testing.T) {
	for _, comment := range []string{"-- program --", "\n\nblank lines around\n"} {
		g, err := triage.ParseGolden("golden", []byte(goldenText))
		if err != nil {
			t.Fatal(err)
		}
		g.Comment = comment
		var out bytes.Buffer
		if _, err := g.WriteTo(&out); err == nil || out.Len() > 0 {
			t.Errorf("comment %q: got error %v, wrote %q", comment, err, out.String())
		}
	}
}

func TestReadGoldenMissing(t *testing.T) {
	_, err := triage.ReadGolden(filepath.Join(t.TempDir(), "none.txtar"))
	if !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func TestKinds(t *testing.T) {
	set := schedule.KindSet(schedule.RefResurrect, schedule.DoubleRelease)
	text := triage.KindsText(set)
	if text != "refcount-resurrect,double-release" {
		t.Errorf("got %q", text)
	}
	if back, err := triage.ParseKinds(text); err != nil || back != set {
		t.Errorf("read back as %v, %v", back.All(), err)
	}
	if _, err := triage.ParseKinds(""); err == nil {
		t.Error("no error for no kind")
	}
	_, err := triage.ParseKinds("double-kill,use-after-free")
	if want := "nobody goes on after use-after-free; one may after: lock-rule,"; err == nil ||
		!strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// FuzzParseGolden: what is read can be written, and is then read as the same.
func FuzzParseGolden(f *testing.F) {
	f.Add([]byte(goldenText))
	f.Add([]byte(edit("-- want --", "-- mute --\nmemory-leak\n-- want --")))
	f.Add([]byte("title\n-- program --\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := triage.ParseGolden("f", data)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if _, err := g.WriteTo(&out); err != nil {
			t.Fatalf("%q is read, but: %v", data, err)
		}
		back, err := triage.ParseGolden("f", out.Bytes())
		if err != nil || !reflect.DeepEqual(back, g) {
			t.Errorf("%q: read as %+v, then as %+v, %v", data, g, back, err)
		}
	})
}
