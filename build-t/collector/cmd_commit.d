build/collector/cmd_commit.o: collector/cmd_commit.c collector/command.h \
 collector/options.h collector/config.h collector/store.h \
 collector/dirty.h include/event.h collector/message.h collector/sync.h
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/message.h:
collector/sync.h:
