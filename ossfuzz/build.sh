#!/bin/bash -eu
# Builds the fuzz targets for libFuzzer: OSS-Fuzz and ClusterFuzzLite run this in their
# image base-builder-go, scripts/ossfuzz/run on a plain Debian. In the environment are SRC,
# OUT, WORK, SANITIZER, CC, CXX, CFLAGS, CXXFLAGS and LIB_FUZZING_ENGINE.
#
# $OUT is given the fixed targets, which must never fail, each with its seeds, dictionary and
# options. The racy ones are the canaries: they go to $WORK/canaries, and the build fails if
# one of them is not found to fail at once. An engine that is shown no states, or a model that
# lost its oracle, must not look like clean code.
#
# What compile_go_fuzzer would do is done here, with two differences: only the glue is
# instrumented, as the engine is shown the states of the models, and all targets share one
# archive. A target reads the raw bytes of an input, so corpora may be exchanged with
# go test -fuzz (cmd/corpus) and cmd/minimize reads crash files as they are.
cd "$SRC/kschedfuzz"
package=github.com/kschedfuzz/kschedfuzz/fuzz/libfuzzer
export GOFLAGS="${GOFLAGS:-} -buildvcs=false" # the source may belong to another user
targets=$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' fuzz/libfuzzer/targets.go)

if [[ $SANITIZER = *coverage* ]]; then # a report on Go code, which libFuzzer plays no part in
	for target in $targets; do
		[[ $target != FuzzFixed* ]] || compile_go_fuzzer $package "$target" "$target" gofuzz
	done
	exit
fi

go build -buildmode=c-archive -tags=gofuzz,gofuzz_libfuzzer,libfuzzer -trimpath \
	-gcflags=$package/archive=-d=libfuzzer -o "$WORK/targets.a" ./fuzz/libfuzzer/archive

# link target dir
link() {
	echo "const char kschedfuzz_target[] = \"$1\";" >"$WORK/$1.c"
	$CC $CFLAGS -c "$WORK/$1.c" -o "$WORK/$1.o"
	$CXX $CXXFLAGS $LIB_FUZZING_ENGINE "$WORK/$1.o" "$WORK/targets.a" -o "$2/$1"
}

rm -rf "$WORK/seeds.pack" "$WORK/canaries"
mkdir "$WORK/canaries"
go run ./cmd/corpus pack "$WORK/seeds.pack" fuzz/testdata/fuzz
for target in $targets; do
	if [[ $target != FuzzFixed* ]]; then
		link "$target" "$WORK/canaries"
		continue
	fi
	link "$target" "$OUT"
	rm -f "$OUT/${target}_seed_corpus.zip"
	go run ./cmd/corpus unpack -format zip -program "$target" \
		-o "$OUT/${target}_seed_corpus.zip" "$WORK/seeds.pack"
	cp ossfuzz/tape.dict "$OUT/$target.dict"
	cp ossfuzz/tape.options "$OUT/$target.options"
done
ossfuzz/canaries "$WORK/canaries"
