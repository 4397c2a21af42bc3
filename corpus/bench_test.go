package corpus

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/kschedfuzz/kschedfuzz/corpus/gofile"
)

// BenchmarkStore measures a corpus of 100,000 tapes as a fuzzer keeps them; ns/entry is
// the time of one.
func BenchmarkStore(b *testing.B) {
	const n = 100_000
	entries := tapesOfTargets(b, n, 2)
	b.Run("append", func(b *testing.B) { benchmarkAppend(b, entries) })
	name := newPack(b, entries...)
	b.Run("open", func(b *testing.B) { benchmarkOpen(b, name) })
	b.Run("open for appending", func(b *testing.B) {
		for b.Loop() {
			w, err := OpenWriter(name)
			if err != nil {
				b.Fatal(err)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		perEntry(b, n)
	})
	b.Run("compact", func(b *testing.B) {
		for b.Loop() {
			if err := Compact(name); err != nil {
				b.Fatal(err)
			}
		}
		perEntry(b, n)
	})
	b.Run("size", func(b *testing.B) { benchmarkSize(b, name, entries) })
}

func perEntry(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
}

func benchmarkAppend(b *testing.B, entries []Entry) {
	for b.Loop() {
		w, err := Create(filepath.Join(b.TempDir(), "x.pack"))
		if err != nil {
			b.Fatal(err)
		}
		appendAll(b, w, entries...)
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, len(entries))
}

func benchmarkOpen(b *testing.B, name string) {
	var p *Pack
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		p = open(b, name)
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	perEntry(b, p.Len())
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(p.Len()), "B-kept/entry")
	runtime.KeepAlive(p)
}

// benchmarkSize compares what a pack takes with one file an entry (in blocks of 4 KiB,
// and in bytes) and with one zip of those files.
func benchmarkSize(b *testing.B, name string, entries []Entry) {
	var raw, pack, files, blocks int
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, e := range entries {
		data := e.Tape.Bytes()
		raw += len(data)
		files += len(gofile.Format(data))
		blocks += (len(gofile.Format(data)) + 4095) / 4096 * 4096
		f, err := z.Create(fmt.Sprintf("%016x", e.ID()))
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	pack = int(info.Size())
	for b.Loop() {
	}
	for unit, size := range map[string]int{
		"B-tape": raw, "B-pack": pack, "B-go-file": files, "B-on-disk": blocks, "B-zip": archive.Len(),
	} {
		b.ReportMetric(float64(size)/float64(len(entries)), unit+"/entry")
	}
}
