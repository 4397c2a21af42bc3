package corpus

import (
	"embed"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// The dictionaries, dict/1.zstd and so on: trained on joined tapes (TestTrain). One that
// has been in a release never changes and never goes.
//
//go:embed dict/*.zstd
var dictionaries embed.FS

// newest is the number of the dictionary that new entries are compressed with.
const newest = 1

// dictionary returns the dictionary of that number.
func dictionary(n int) []byte {
	b, err := dictionaries.ReadFile("dict/" + strconv.Itoa(n) + ".zstd")
	if err != nil {
		panic(err) // not built in
	}
	return b
}

// encoder is made when it is first used. The level is the fastest: on payloads as short
// as ours the better ones save less than one byte in a hundred and take three times as
// long. A single segment says its size, at the price of saying no window. There is no
// checksum in the frame, the id is one.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderDict(dictionary(newest)),
		zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(true),
		zstd.WithEncoderConcurrency(1),
	)
	if err != nil {
		panic(fmt.Sprintf("dictionary %d: %v", newest, err))
	}
	return w
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	var dicts [][]byte
	for n := 1; n <= newest; n++ {
		dicts = append(dicts, dictionary(n))
	}
	r, err := zstd.NewReader(nil,
		zstd.WithDecoderDicts(dicts...),
		zstd.WithDecoderMaxMemory(maxPayload),
		zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderConcurrency(1),
	)
	if err != nil {
		panic(fmt.Sprintf("dictionaries 1 to %d: %v", newest, err))
	}
	return r
})

// compress returns the payload for packed, and the number of its dictionary.
func compress(packed []byte) (payload []byte, dictionary int) {
	out := encoder().EncodeAll(packed, nil)
	if len(out) < len(packed) {
		return out, newest
	}
	return packed, 0
}

// decompress is the inverse of compress, for a result of exactly size bytes. It looks at
// what the payload says of itself first, and never makes more than size.
func decompress(payload []byte, dictionary, size int) ([]byte, error) {
	if dictionary == 0 {
		if len(payload) != size {
			return nil, fmt.Errorf("its payload has %d bytes, want %d", len(payload), size)
		}
		return payload, nil
	}
	var says zstd.Header
	if err := says.Decode(payload); err != nil {
		return nil, fmt.Errorf("its payload does not decompress: %w", err)
	}
	if !says.HasFCS || says.FrameContentSize != uint64(size) {
		return nil, errSize
	}
	out, err := decoder().DecodeAll(payload, make([]byte, 0, size))
	if err != nil {
		return nil, fmt.Errorf("its payload does not decompress: %w", err)
	}
	if len(out) != size {
		return nil, errSize
	}
	return out, nil
}

var errSize = errors.New("its payload decompresses to another size")
