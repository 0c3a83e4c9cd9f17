build/collector/cmd_mark.o: collector/cmd_mark.c collector/command.h \
 collector/options.h collector/config.h collector/store.h \
 collector/dirty.h include/event.h
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
