package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/net/html"

	"github.com/kschedfuzz/kschedfuzz/internal/schema"
)

// TestServed serves a campaign that has regressions, failures and a clean target.
func TestServed(t *testing.T) {
	c := configOf(t, "FuzzPutSuper", "FuzzFixedPipeRelease", "FuzzLookupIoctx")
	c.Targets[0].program.Expect = nil
	x := fuzzIn(t, c, t.TempDir(), 400)
	h := x.handler()
	get := func(path string) (string, *http.Response) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Body.String(), w.Result()
	}
	t.Run("page", func(t *testing.T) { testPage(t, x, get) })
	t.Run("paths", func(t *testing.T) { testPaths(t, x, get) })
	t.Run("json", func(t *testing.T) { testJSON(t, get) })
	t.Run("metrics", func(t *testing.T) { testMetrics(t, x, get) })
}

type getter func(path string) (string, *http.Response)

func testPage(t *testing.T, x *campaign, get getter) {
	text, res := get("/")
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("%s, %v", res.Status, res.Header)
	}
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	plots, within := 0, []string{}
	for n := range root.Descendants() {
		switch n.Data {
		case "script", "link", "img", "iframe":
			t.Errorf("the page has <%s>", n.Data)
		case "svg":
			plots++
		}
		for _, a := range n.Attr {
			if id, ok := strings.CutPrefix(a.Val, "#"); a.Key == "href" && ok {
				within = append(within, id)
			} else if a.Key == "href" && (!strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//")) {
				t.Errorf("the page leads to %s", a.Val)
			} else if a.Key == "href" {
				if _, res := get(a.Val); res.StatusCode != 200 {
					t.Errorf("%s: %s", a.Val, res.Status)
				}
			}
			if a.Key == "src" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("the page has %s=%s", a.Key, a.Val)
			}
		}
	}
	if !slices.Equal(within, []string{"failures"}) || !strings.Contains(text, `<section id="failures">`) {
		t.Errorf("on the page itself there are links to %q", within)
	}
	if regexp.MustCompile(`url\(|@import`).MatchString(text) {
		t.Error("the style needs something from outside")
	}
	if plots != len(x.targets)+1 {
		t.Errorf("%d plots", plots)
	}
	alarm := strings.Index(text, "Regression: 2 failures of what must never fail")
	if alarm < 0 || alarm > strings.Index(text, "<dl") {
		t.Errorf("the regression is not at the top: at %d", alarm)
	}
	for _, want := range []string{"<title>REGRESSION - kschedfuzz: 3 targets</title>",
		"known to fail was not found to:\nFuzzLookupIoctx", "<pre tabindex=\"0\">"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if text, _ := get("/?refresh"); !strings.Contains(text, `http-equiv="refresh"`) {
		t.Error("no refresh")
	}
}

// TestSpan: durations as the page says them.
func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0 s", 59 * time.Second: "59 s", time.Hour: "1 h 0 min",
		49*time.Hour + 59*time.Minute: "2 d 1 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// testPaths: nothing but reports is served from the directory.
func testPaths(t *testing.T, x *campaign, get getter) {
	report := "/" + x.status().Failures[0].Report
	for _, path := range []string{"/x", "/state.json", "/corpus.pack", report, report + "/",
		report + "/../../state.json", report + "/secret", "/failures/..%2f/state.json",
		"/failures/../state.json", "/failures/%2e%2e/bug.json"} {
		if _, res := get(path); res.StatusCode == 200 {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

// testJSON looks at /status.json.
func testJSON(t *testing.T, get getter) {
	text, _ := get("/status.json")
	validate(t, text)
	var s Status
	err := json.Unmarshal([]byte(text), &s)
	if err != nil || s.Regressions != 2 || s.Executions != 400 {
		t.Errorf("%d regressions, %d executions, %v", s.Regressions, s.Executions, err)
	}
}

// validate checks a status against the schema that is documented.
func validate(t *testing.T, text string) {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile("../../docs/status.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(v); err != nil {
		t.Error(err)
	}
}

func testMetrics(t *testing.T, x *campaign, get getter) {
	problems, err := testutil.CollectAndLint(collector{x.status})
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	want := `
		# HELP kschedfuzz_regressions Failures, and reports of lockdep, of programs that must never fail.
		# TYPE kschedfuzz_regressions gauge
		kschedfuzz_regressions 2
		# HELP kschedfuzz_silent_canaries Targets known to fail that were not found to.
		# TYPE kschedfuzz_silent_canaries gauge
		kschedfuzz_silent_canaries 1
	`
	if err := testutil.CollectAndCompare(collector{x.status}, strings.NewReader(want),
		"kschedfuzz_regressions", "kschedfuzz_silent_canaries"); err != nil {
		t.Error(err)
	}
	text, _ := get("/metrics")
	for _, m := range allSeries {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(m.desc.String())[1]
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
}

var update = flag.Bool("update", false, "rewrite docs/status.schema.json")

// TestSchema compares the schema in docs with the types.
func TestSchema(t *testing.T) {
	const file = "../../docs/status.schema.json"
	want, err := schema.Of(reflect.TypeFor[Status](), StatusSchema, ".")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, file); got != string(want) {
		t.Errorf("%s is stale; go test ./cmd/continuous -run=TestSchema -update rewrites it", file)
	}
}
