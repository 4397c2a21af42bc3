/* What the init of a virtual machine has of init.c, and what it is there for. */
int number(const char *name, int otherwise); /* of the kernel's command line */
void die(const char *what);

/* One round, in which a delay, if one is on, takes so many ms. */
void one_round(int ms);
