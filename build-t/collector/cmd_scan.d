build/collector/cmd_scan.o: collector/cmd_scan.c collector/command.h \
 collector/options.h collector/config.h collector/store.h \
 collector/dirty.h include/event.h collector/format.h collector/sort.h \
 collector/message.h collector/scan.h collector/list_reasons.h
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/format.h:
collector/sort.h:
collector/message.h:
collector/scan.h:
collector/list_reasons.h:
