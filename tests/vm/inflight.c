// SPDX-License-Identifier: GPL-2.0
/*
 * Has one write under way until it is let go on.
 *
 *   inflight write FILE MARK GO     write(2) whose source is a page that is missing: the kernel waits in the middle of
 *                                   it until GO exists, then the page is there
 *   inflight aio FILE MARK          io_submit(2), O_DIRECT; the descriptor is closed while it is under way
 *   inflight uring FILE MARK        the same by io_uring
 *
 * FILE is there already and holds more than is written. MARK is made when the write is under way: the last two end when
 * the device has answered. Exit status 0: all was written; 1: not; 77: this kernel refuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BYTES = 4096, REFUSED = 77, PAUSE = 10000 /* microseconds */ };

struct request {
	const char *file, *mark, *go;
};

static void fail(const char *what)
{
	int error = errno;

	fprintf(stderr, "inflight: %s: %s\n", what, strerror(error));
	_exit(error == ENOSYS || (error == EPERM && strncmp(what, "io_uring", 8) == 0) ? REFUSED : 1);
}

static void set_mark(const struct request *request)
{
	int fd = open(request->mark, O_WRONLY | O_CREAT, 0600);

	if (fd < 0)
		fail(request->mark);
	close(fd);
}

static int open_file(const struct request *request, int flags)
{
	int fd = open(request->file, O_WRONLY | flags);

	if (fd < 0)
		fail(request->file);
	return fd;
}

static void *page(int letter)
{
	void *address = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (address == MAP_FAILED)
		fail("mmap");
	if (letter)
		memset(address, letter, BYTES);
	return address;
}

static bool is_whole(long written)
{
	if (written == BYTES)
		return true;
	fprintf(stderr, "inflight: %ld bytes written\n", written);
	return false;
}

/* A page that is missing */

struct fault {
	const struct request *request;
	int descriptor;
};

static void *answer_fault(void *context)
{
	const struct fault *fault = context;
	struct uffdio_copy copy = {.src = (unsigned long)page('u'), .len = BYTES};
	struct uffd_msg message;

	if (read(fault->descriptor, &message, sizeof(message)) != sizeof(message))
		fail("userfaultfd");
	set_mark(fault->request);
	while (access(fault->request->go, F_OK))
		usleep(PAUSE);
	copy.dst = message.arg.pagefault.address & ~(unsigned long)(BYTES - 1);
	if (ioctl(fault->descriptor, UFFDIO_COPY, &copy))
		fail("UFFDIO_COPY");
	return NULL;
}

static bool write_missing_page(const struct request *request)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	struct fault fault = {.request = request};
	int file = open_file(request, 0);
	void *source = page(0);
	pthread_t thread;
	bool whole;

	fault.descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fault.descriptor < 0)
		fail("userfaultfd");
	range.range.start = (unsigned long)source;
	range.range.len = BYTES;
	if (ioctl(fault.descriptor, UFFDIO_API, &api) || ioctl(fault.descriptor, UFFDIO_REGISTER, &range) ||
	    pthread_create(&thread, NULL, answer_fault, &fault))
		fail("UFFDIO_REGISTER");
	whole = is_whole(write(file, source, BYTES));
	pthread_join(thread, NULL);
	return whole;
}

/* Without waiting */

static bool write_aio(const struct request *request)
{
	int file = open_file(request, O_DIRECT);
	struct iocb control = {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = (unsigned)file,
		.aio_buf = (unsigned long)page('a'),
		.aio_nbytes = BYTES,
	};
	struct iocb *controls[] = {&control};
	struct io_event event = {0};
	aio_context_t context = 0;

	if (syscall(SYS_io_setup, 1, &context) || syscall(SYS_io_submit, context, 1, controls) != 1)
		fail("io_submit");
	close(file);
	set_mark(request);
	if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		fail("io_getevents");
	return is_whole((long)event.res);
}

struct rings {
	struct io_uring_params parameters;
	char *submissions, *completions;
	struct io_uring_sqe *entries;
	int descriptor;
};

static void *map_ring(const struct rings *rings, size_t bytes, off_t offset)
{
	void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, rings->descriptor, offset);

	if (address == MAP_FAILED)
		fail("mmap of a ring");
	return address;
}

static void set_up(struct rings *rings)
{
	struct io_uring_params *parameters = &rings->parameters;

	rings->descriptor = (int)syscall(SYS_io_uring_setup, 1, parameters);
	if (rings->descriptor < 0)
		fail("io_uring_setup");
	rings->submissions = map_ring(rings, parameters->sq_off.array + parameters->sq_entries * sizeof(unsigned),
				      IORING_OFF_SQ_RING);
	rings->completions =
		map_ring(rings, parameters->cq_off.cqes + parameters->cq_entries * sizeof(struct io_uring_cqe),
			 IORING_OFF_CQ_RING);
	rings->entries = map_ring(rings, parameters->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
}

static bool write_uring(const struct request *request)
{
	int file = open_file(request, O_DIRECT);
	struct rings rings = {0};
	const struct io_uring_cqe *completion;

	set_up(&rings);
	rings.entries[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITE,
		.fd = file,
		.addr = (unsigned long)page('i'),
		.len = BYTES,
	};
	*(unsigned *)(rings.submissions + rings.parameters.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(rings.submissions + rings.parameters.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, rings.descriptor, 1, 0, 0, NULL, 0) != 1)
		fail("io_uring_enter");
	close(file);
	set_mark(request);
	if (syscall(SYS_io_uring_enter, rings.descriptor, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		fail("io_uring_enter");
	completion = (const struct io_uring_cqe *)(rings.completions + rings.parameters.cq_off.cqes);
	return is_whole(completion->res);
}

static const struct {
	const char *name;
	int arguments;
	bool (*write)(const struct request *request);
} kinds[] = {
	{"write", 5, write_missing_page},
	{"aio", 4, write_aio},
	{"uring", 4, write_uring},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(argv[1], kinds[i].name) == 0 && argc == kinds[i].arguments) {
			const struct request request = {argv[2], argv[3], argc > 4 ? argv[4] : NULL};

			return kinds[i].write(&request) ? 0 : 1;
		}
	}
	fprintf(stderr, "usage: inflight write FILE MARK GO | aio FILE MARK | uring FILE MARK\n");
	return 2;
}
