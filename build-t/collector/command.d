build/collector/command.o: collector/command.c collector/client.h \
 collector/command.h collector/options.h collector/config.h \
 collector/store.h collector/dirty.h include/event.h collector/message.h \
 collector/new_file.h
collector/client.h:
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/message.h:
collector/new_file.h:
