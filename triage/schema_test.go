package triage_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kschedfuzz/kschedfuzz/internal/schema"
	"github.com/kschedfuzz/kschedfuzz/triage"
)

const schemaFile = "../docs/report.schema.json"

// TestSchema compares the schema in docs with the types: it is made of them, and of what
// their comments say.
func TestSchema(t *testing.T) {
	want, err := schema.Of(reflect.TypeFor[triage.Document](), triage.DocumentSchema, ".")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale; go test ./triage -run=TestSchema -update rewrites it", schemaFile)
	}
}

// TestJSON checks every report that there is against the schema, and reads it back.
func TestJSON(t *testing.T) {
	compiled, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := r.WriteJSON(&out); err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(v); err != nil {
				t.Error(err)
			}
			var back triage.Document
			d := json.NewDecoder(&out)
			d.DisallowUnknownFields()
			if err := d.Decode(&back); err != nil {
				t.Fatal(err)
			}
			if want := r.Document(); !reflect.DeepEqual(&back, want) {
				t.Errorf("read back\n%+v\nwritten\n%+v", &back, want)
			}
		})
	}
}
