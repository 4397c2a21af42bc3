// Package schema writes the JSON Schema of Go types, with what their comments say: the
// formats that are documented are the types, and a test of each compares the file in docs.
//
// [Of] is all of it. It knows the types that our formats are made of, and no others: structs,
// slices, pointers, times, strings, numbers and booleans, with tags of encoding/json.
package schema

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// Of returns the schema of the struct type typ, whose package is in directory dir. Title is
// the version of the format, which documents have in the field "schema".
func Of(typ reflect.Type, title, dir string) ([]byte, error) {
	text, err := comments(dir)
	if err != nil {
		return nil, err
	}
	g := writer{comments: text, defs: map[string]any{}}
	root := g.object(typ)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = title
	root["$defs"] = g.defs
	root["properties"].(map[string]any)["schema"] = map[string]any{"const": title}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(root)
	return out.Bytes(), err
}

// A writer writes what JSON Schema says of Go types.
type writer struct {
	comments map[string]string // by "Type" and "Type.Field"
	defs     map[string]any
}

func (g *writer) object(typ reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	g.fields(typ, properties, &required)
	return map[string]any{
		"type": "object", "description": g.comments[typ.Name()],
		"properties": properties, "required": required, "additionalProperties": false,
	}
}

func (g *writer) fields(typ reflect.Type, properties map[string]any, required *[]string) {
	for f := range typ.Fields() {
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

func (g *writer) value(typ reflect.Type) map[string]any {
	if typ == reflect.TypeFor[time.Time]() {
		return map[string]any{"type": "string", "format": "date-time"}
	}
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
		reflect.String: "string", reflect.Int: "integer", reflect.Int64: "integer",
		reflect.Bool: "boolean", reflect.Float64: "number",
	}[typ.Kind()]}
}

// comments returns what the source says of its struct types and their fields.
func comments(dir string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
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
			return nil, err
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
	return out, nil
}
