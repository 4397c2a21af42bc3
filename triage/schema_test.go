package triage_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kschedfuzz/kschedfuzz/triage"
)

const schemaFile = "../docs/report.schema.json"

// TestSchema compares the schema in docs with the types: it is made of them, and of what
// their comments say.
func TestSchema(t *testing.T) {
	g := schemaWriter{comments: comments(t), defs: map[string]any{}}
	root := g.object(reflect.TypeFor[triage.Document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = triage.DocumentSchema
	root["$defs"] = g.defs
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": triage.DocumentSchema}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is stale; go test ./triage -run=TestSchema -update rewrites it", schemaFile)
	}
}

// A schemaWriter writes what JSON Schema says of Go types.
type schemaWriter struct {
	comments map[string]string // by "Type" and "Type.Field"
	defs     map[string]any
}

func (g *schemaWriter) object(typ reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	g.fields(typ, properties, &required)
	return map[string]any{
		"type": "object", "description": g.comments[typ.Name()],
		"properties": properties, "required": required, "additionalProperties": false,
	}
}

func (g *schemaWriter) fields(typ reflect.Type, properties map[string]any, required *[]string) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			g.fields(f.Type, properties, required)
			continue
		}
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if option != "omitempty" {
			*required = append(*required, name)
		}
		p := g.value(f.Type)
		if c := g.comments[typ.Name()+"."+f.Name]; c != "" {
			p["description"] = c
		}
		properties[name] = p
	}
}

func (g *schemaWriter) value(typ reflect.Type) map[string]any {
	switch typ.Kind() {
	case reflect.Pointer:
		return g.value(typ.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": g.value(typ.Elem())}
	case reflect.Struct:
		if g.defs[typ.Name()] == nil {
			g.defs[typ.Name()] = true // under way
			g.defs[typ.Name()] = g.object(typ)
		}
		return map[string]any{"$ref": "#/$defs/" + typ.Name()}
	}
	return map[string]any{"type": map[reflect.Kind]string{
		reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean",
		reflect.Float64: "number",
	}[typ.Kind()]}
}

// comments returns what the source says of its struct types and their fields.
func comments(t *testing.T) map[string]string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	text := func(c ...*ast.CommentGroup) string {
		for _, c := range c {
			if c != nil {
				text := strings.Join(strings.Fields(c.Text()), " ")
				return strings.NewReplacer("[", "", "]", "").Replace(text)
			}
		}
		return ""
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				continue
			}
			spec := d.Specs[0].(*ast.TypeSpec)
			st, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			out[spec.Name.Name] = text(d.Doc)
			for _, f := range st.Fields.List {
				for _, id := range f.Names {
					out[spec.Name.Name+"."+id.Name] = text(f.Doc, f.Comment)
				}
			}
		}
	}
	return out
}

// TestJSON checks every report that there is against the schema, and reads it back.
func TestJSON(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
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
			if err := schema.Validate(v); err != nil {
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
