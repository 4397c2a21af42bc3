/* What packet_notifier.c and packet_set_ring.c have in common. */
#define PACKETS 4

struct task {
	const char *name;
	void (*run)(void);
};

/* Runs both from a barrier, where the second sleeps for so many us; less than 0: the first does. */
void both(const struct task *first, const struct task *second, int us);

int late(int us); /* other us each round, if the kernel's command line has a spread */
const char *after_both(int us); /* for look() */

int open_socket(int protocol);
int set_device(const char *name, int flags); /* on or off, and its number */
void bind_to(int s, int protocol, int device);

/* Says what is seen of the only socket, and whether it gets all packets of the device. */
int look(int s, const char *when, int device);
