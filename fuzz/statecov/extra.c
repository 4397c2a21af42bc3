//go:build libfuzzer

// The extra counters of libFuzzer: it clears what is in this section before every input, and
// takes each of the bytes for a counter of its own after it. The size is extraCounters.
__attribute__((section("__libfuzzer_extra_counters"), used)) unsigned char kschedfuzz_states[4096];
