package triage

import "testing"

// TestComm: a comm has 15 characters, and the number of a thread is among them.
func TestComm(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"io_destroy", "io_destroy"},
		{"io_destroy#2", "io_destroy#2"},
		{"exit_task_namespaces", "exit_task_names"},
		{"exit_task_namespaces#12", "exit_task_na#12"},
	} {
		if got := comm(test.name); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
