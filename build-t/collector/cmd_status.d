build/collector/cmd_status.o: collector/cmd_status.c collector/command.h \
 collector/options.h collector/config.h collector/store.h \
 collector/dirty.h include/event.h collector/format.h collector/sort.h \
 collector/moment.h
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/format.h:
collector/sort.h:
collector/moment.h:
