build/collector/main.o: collector/main.c build/version.h \
 collector/command.h collector/options.h collector/config.h \
 collector/store.h collector/dirty.h include/event.h collector/message.h
build/version.h:
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/message.h:
