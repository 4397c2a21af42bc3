//go:build libfuzzer

// libFuzzer handles signals, the one of its clock among them, on the stack of whoever runs.
// Goroutines and coroutines have small stacks with other things behind them, so the handlers
// are moved to the stack that Go has set aside for signals.

#include <signal.h>
#include <stddef.h>

void kschedfuzz_signals(void) {
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;
		if (sigaction(number, NULL, &action) != 0) {
			continue;
		}
		if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN || (action.sa_flags & SA_ONSTACK)) {
			continue;
		}
		action.sa_flags |= SA_ONSTACK;
		sigaction(number, &action, NULL);
	}
}
