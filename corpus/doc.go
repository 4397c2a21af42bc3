// Package corpus keeps the tapes that fuzzing found worth keeping: in one file, a pack,
// that many may read while one appends, and that loses no more than what is damaged.
//
// An [Entry] is a tape, the name of the program or fuzz target that it is for, and a label
// if a person gave it one. [Open] reads a pack, [OpenWriter] appends to it. Nothing is ever
// dropped from a pack but by [Compact], which drops what is twice, [Repair], which drops what
// cannot be read and keeps a copy of it, and OpenWriter, which takes off the end an entry of
// which a part was never written.
//
// # What is kept of an input
//
// Engines hold bytes, a pack holds tapes in canonical form. (*schedule.Runner).TapeOf makes one
// of the other. It keeps the decisions of the digits, up to the last that is not 0, so the tape
// runs every program exactly as the input does, also where the program changes later. It does
// not keep which bytes they were, of several that read alike, the zeros at the end, which the
// end of a tape stands for, and the escape that an input ends within, which reads as if a 0
// followed. The bytes that come back out of a pack are schedule.Tape.Bytes: '0' for 0, '1' for
// 1 and so on, what the minimizer of the Go fuzzer writes too. What a program leaves unread at
// the end of an input is kept, and digits are not reduced to their range: both depend on the
// program, and a pack should outlive a change of it.
//
// Of an input with a drawn end, from its first byte that is not ASCII on, the decisions that the
// program has drawn are kept, as they were taken. They would be others in another program.
//
// Two inputs with one canonical tape are one entry, and the label is that of the first; a
// tape for two programs is two.
//
// # What is promised
//
// Append has written the entry when it returns: killing the process takes nothing back.
// Sync has it on the disk: a loss of power takes nothing back either.
//
// Whatever happens to the bytes of a pack, a torn tail, a flipped bit, a hole in the
// middle, costs the entries that it hits and no other. [Pack.Damage] names them. An entry
// that is returned is the entry that was appended: its hash, over the program and the tape
// before compression, has been compared, and so has one over the payload: a flipped bit is
// noticed also where the payload decompresses to the same tape.
//
// No input of a few bytes makes a reader allocate much: an entry has limits ([MaxDigits],
// [MaxName], [MaxPack]) that are looked at before anything is decompressed.
//
// # The file
//
// A pack is a line of text and then entries, one after the other; numbers are
// little-endian, a varint is that of encoding/binary:
//
//	"kschedfuzz corpus v2 " and 16 hex digits of xxhash64 of that, "\n"
//
//	marker     4 bytes f5 6b 73 66
//	check      4 bytes, the low half of xxhash64 of the bytes from id to label
//	id         8 bytes, xxhash64 of program, a zero byte, schedule.Tape.Bytes
//	sum        4 bytes, the low half of xxhash64 of payload
//	digits     varint, the digits of the tape in text
//	size       varint, the bytes of the payload
//	dictionary varint, 0: the payload is not compressed, n: zstd with dictionary n
//	names      varint length of program, varint length of label, program, label
//	payload    the digits, two to a byte, the first in the low half
//
// A reader that finds something else than an entry goes on at the next marker. Losing the
// first line loses no entry. Version 1 has another first line, the marker f5 6b
// 73 65, and no sum, so that some flipped bits of a payload are not noticed. It is read, and
// appended to as it is; Compact makes it version 2. A newer version is refused, as is a
// dictionary that this version does not have. Dictionaries are kept for ever (directory dict),
// so that old packs stay readable; new entries use the newest.
//
// # Figures
//
// 100,000 tapes of the fuzz targets, short ones, 31 digits on the average (two virtual CPUs
// of an AMD EPYC, go1.26.8, one busy with other work: the times vary by two, and are of
// version 1, with longer tapes; go test -run='^$' -bench=Store ./corpus):
//
//	                      bytes an entry
//	the pack                          60
//	one zip of raw files             147
//	a file of the Go fuzzer each      58, on a disk with blocks of 4 KiB 4096
//	memory of an open Pack            70
//
//	Append           7 to 8 us an entry
//	Open           0.9 to 2 us an entry, everything verified: 0.1 to 0.2 s for all
//	OpenWriter     2.2 to 4 us an entry
//	Compact          5 to 9 us an entry
//
// 325 inputs that the Go fuzzer had found for FuzzLookupIoctx, 94 digits on the average: 61
// bytes each as a pack, 210 as a zip (corpus pack, corpus unpack -format zip). The head is 41
// of the 61. The dictionary was made of these; inputs that were held out of it took 8 more.
package corpus
