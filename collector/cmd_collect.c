// SPDX-License-Identifier: GPL-2.0
/* The service: one process, one thread, one loop over the ring, the clock, the mount table, signals and the socket. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "collector.h"
#include "command.h"
#include "control.h"
#include "message.h"
#include "priority.h"
#include "retention.h"
#include "uevents.h"
#include "walker.h"

enum {
	KEY_WATCH = OPTION_KEY,
	BUSY_INTERVAL = 50 * 1000, /* microseconds between looks at the ring while there is traffic */
	IDLE_INTERVAL = 250 * 1000,
	TIMER_ACCURACY = 10 * 1000,
};

struct service {
	const struct options *options;
	struct collector collector;
	struct control *control;
	sd_event *loop;
	sd_event_source *clock;
	struct walker *walker;
	uint64_t seen;   /* events at the last look */
	bool complained; /* about an error that lasts */
};

static const struct argp_option collect_options[] = {
	{"watch", KEY_WATCH, "DIR", 0, "Watch this directory; may be repeated (every local filesystem)", 0},
	{0},
};

struct arguments {
	char **watch;
	size_t count;
};

static error_t add_watch(struct arguments *arguments, char *directory)
{
	char **watch = reallocarray(arguments->watch, arguments->count + 1, sizeof(*watch));

	if (!watch)
		return ENOMEM;
	watch[arguments->count++] = directory;
	arguments->watch = watch;
	return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_WATCH:
		return add_watch(arguments, value);
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option; directories are named by --watch", value);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = collect_options,
	.parser = parse,
	.doc = "Collects the changes of files until it gets SIGTERM or SIGINT. The service manager starts it.",
};

/* An error that lasts is said once; what it costs is accounted for by the ring's losses. */
static void report_error(struct service *service, int code)
{
	if (code && !service->complained)
		message(LOG_ERR, "the database cannot be written: %s; changes wait in the ring meanwhile",
			store_error(service->collector.store));
	else if (!code && service->complained)
		message(LOG_NOTICE, "the database can be written again");
	service->complained = code;
	if (store_is_damaged(service->collector.store))
		sd_event_exit(service->loop, -EUCLEAN);
}

static int on_clock(sd_event_source *source, uint64_t now, void *context)
{
	struct service *service = context;
	uint64_t interval = IDLE_INTERVAL;

	report_error(service, collector_collect(&service->collector, false));
	if (!service->complained)
		report_error(service, retention_check(&service->collector));
	walker_check(service->walker, now);
	if (service->collector.events_total != service->seen || control_is_watched(service->control))
		interval = BUSY_INTERVAL;
	service->seen = service->collector.events_total;
	sd_event_source_set_time(source, now + interval);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_ring(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct service *service = context;

	(void)source;
	(void)descriptor;
	(void)events;
	report_error(service, collector_collect(&service->collector, false));
	return 0;
}

static int on_mounts(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct service *service = context;
	int code = collector_follow_mounts(&service->collector);

	(void)source;
	(void)descriptor;
	(void)events;
	if (code)
		message(LOG_ERR, "the mount table cannot be followed: %s", strerror(-code));
	walker_want(service->walker);
	return 0;
}

static int on_set_clock(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct service *service = context;

	(void)source;
	(void)descriptor;
	(void)events;
	report_error(service, collector_check_clock(&service->collector));
	return 0;
}

static int watch_signals(sd_event *loop)
{
	static const int signals[] = {SIGTERM, SIGINT};
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD); /* for the loop to wait for children */
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		/* Without a handler the loop ends. */
		int code = sd_event_add_signal(loop, NULL, signals[i], NULL, NULL);

		if (code < 0)
			return code;
	}
	return 0;
}

static int watch_mounts(struct service *service)
{
	int descriptor = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	sd_event_source *source;
	int code;

	if (descriptor < 0)
		return -errno;
	/* The table says that it has changed by EPOLLPRI (mounts_poll(), fs/proc_namespace.c). */
	code = sd_event_add_io(service->loop, &source, descriptor, EPOLLPRI, on_mounts, service);
	if (code < 0)
		return code;
	sd_event_source_set_io_fd_own(source, true);
	return sd_event_source_set_floating(source, true);
}

static int on_devices(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct service *service = context;

	(void)source;
	(void)events;
	if (uevents_take(descriptor))
		report_error(service, collector_follow_devices(&service->collector));
	return 0;
}

/* Where they cannot be heard, a filesystem whose device comes later has a gap when it is mounted. */
static int watch_devices(struct service *service)
{
	int descriptor = uevents_open();
	sd_event_source *source;
	int code;

	if (descriptor < 0)
		return 0;
	code = sd_event_add_io(service->loop, &source, descriptor, EPOLLIN, on_devices, service);
	if (code < 0)
		return code;
	sd_event_source_set_io_fd_own(source, true);
	return sd_event_source_set_floating(source, true);
}

static int watch_all(struct service *service)
{
	int code = watch_mounts(service);

	if (code >= 0)
		code = watch_devices(service);

	if (code >= 0)
		code = sd_event_add_io(service->loop, NULL, tracer_descriptor(service->collector.tracer),
				       EPOLLIN | EPOLLET, on_ring, service);
	if (code >= 0)
		code = sd_event_add_io(service->loop, NULL, service->collector.clock.descriptor, EPOLLIN, on_set_clock,
				       service);
	if (code >= 0)
		code = sd_event_add_time_relative(service->loop, &service->clock, CLOCK_MONOTONIC, BUSY_INTERVAL,
						  TIMER_ACCURACY, on_clock, service);
	return code;
}

/* Process numbers in records are those of the first process namespace: the kernel side must know ours. */
static bool is_first_namespace(void)
{
	enum { PROC_PID_INIT_INO = 0xEFFFFFFC }; /* include/linux/proc_ns.h */
	struct stat status;

	return stat("/proc/self/ns/pid", &status) || status.st_ino == (ino_t)PROC_PID_INIT_INO;
}

static int refuse(void)
{
	if (geteuid() != 0) {
		message(LOG_ERR, "collect loads programs into the kernel: run it as root");
		return EXIT_FAILED;
	}
	if (!is_first_namespace()) {
		message(LOG_ERR,
			"collect must run in the host's process namespace: in a container, share it (pid=host)");
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static void announce(const struct service *service)
{
	const struct collector *collector = &service->collector;

	message(LOG_INFO, "window %llu is open; %zu filesystems are traced by %s programs",
		(unsigned long long)collector->window, collector->coverage.count,
		tracer_mode(collector->tracer) == TRACER_LSM ? "LSM" : "fentry");
	sd_notifyf(0, "READY=1\nSTATUS=Tracing %zu filesystems, window %llu is open", collector->coverage.count,
		   (unsigned long long)collector->window);
}

static int serve(struct service *service, const struct config *config, char **error)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	int code = sd_event_default(&service->loop);

	/* Until 5.11 maps count against this limit (4cac2ef7b1b2 "bpf: Eliminate rlimit-based memory accounting"). */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/*
	 * It must keep up with all that change files: with its share as one of many of them the ring fills, and every
	 * answer waits behind what is in it. Of each of their operations it has far less to do.
	 */
	priority_step_forward();
	if (code >= 0)
		code = watch_signals(service->loop);
	if (code >= 0)
		code = collector_open(&service->collector, config, error);
	if (code >= 0)
		code = control_open(&service->control, &service->collector, service->loop, error);
	if (code >= 0)
		code = watch_all(service);
	if (code >= 0 && config->walk)
		code = walker_new(&service->walker, service->loop, &service->collector, service->options);
	if (code < 0)
		return code;
	announce(service);
	code = sd_event_loop(service->loop);
	sd_notify(0, "STOPPING=1");
	return code;
}

static int set_watches(struct config *config, const struct arguments *arguments)
{
	char *error = NULL;

	if (arguments->count)
		config_clear_watch(config);
	for (size_t i = 0; i < arguments->count; i++) {
		char *path = realpath(arguments->watch[i], NULL);
		int code = path ? config_set(config, "watch", path, &error) : -errno;

		free(path);
		if (code) {
			message(LOG_ERR, "%s cannot be watched: %s", arguments->watch[i],
				error ? error : strerror(-code));
			free(error);
			return EXIT_FAILED;
		}
	}
	return EXIT_DONE;
}

static int collect(const struct options *options)
{
	struct service service = {.options = options};
	char *error = NULL;
	int code = serve(&service, &options->config, &error);
	bool damaged = store_is_damaged(service.collector.store);

	if (damaged)
		message(LOG_ERR, "the database is damaged and is set aside; the next start begins a new one, and all "
				 "jobs need a full backup then");
	if (code < 0)
		message(LOG_ERR, "%s", error ? error : strerror(-code));
	free(error);
	walker_free(service.walker);
	control_close(service.control);
	collector_close(&service.collector);
	if (damaged)
		store_set_aside(options->config.state);
	sd_event_source_unref(service.clock);
	sd_event_unref(service.loop);
	return code < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE)
		status = refuse();
	if (status == EXIT_DONE)
		status = set_watches(&options.config, &arguments);
	if (status == EXIT_DONE)
		status = collect(&options);
	free(arguments.watch);
	options_free(&options);
	return status;
}

const struct command command_collect = {"collect", "the collector service, in the foreground", run};
