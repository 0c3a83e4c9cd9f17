build/collector/cmd_windows.o: collector/cmd_windows.c \
 collector/command.h collector/options.h collector/config.h \
 collector/store.h collector/dirty.h include/event.h collector/gap.h \
 collector/moment.h
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/gap.h:
collector/moment.h:
