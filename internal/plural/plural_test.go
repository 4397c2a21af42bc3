package plural_test

import (
	"testing"

	"github.com/kschedfuzz/kschedfuzz/internal/plural"
)

func TestOf(t *testing.T) {
	for _, test := range []struct {
		n    int
		what string
		want string
	}{
		{0, "node", "0 nodes"}, {1, "node", "1 node"}, {2, "node", "2 nodes"},
		{1, "entry", "1 entry"}, {2, "entry", "2 entries"}, {2, "day", "2 days"},
		{2, "class", "2 classes"}, {2, "batch", "2 batches"}, {1, "class", "1 class"},
	} {
		if got := plural.Of(test.n, test.what); got != test.want {
			t.Errorf("%d of %s: %q, want %q", test.n, test.what, got, test.want)
		}
	}
}
