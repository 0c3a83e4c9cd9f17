build/collector/cmd_jobs.o: collector/cmd_jobs.c collector/command.h \
 collector/options.h collector/config.h collector/store.h \
 collector/dirty.h include/event.h collector/fresh.h collector/moment.h
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/fresh.h:
collector/moment.h:
