build/collector/cmd_tail.o: collector/cmd_tail.c collector/base64.h \
 collector/client.h collector/command.h collector/options.h \
 collector/config.h collector/store.h collector/dirty.h include/event.h \
 collector/format.h collector/sort.h collector/message.h \
 collector/moment.h
collector/base64.h:
collector/client.h:
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/format.h:
collector/sort.h:
collector/message.h:
collector/moment.h:
