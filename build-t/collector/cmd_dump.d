build/collector/cmd_dump.o: collector/cmd_dump.c collector/certificate.h \
 collector/list.h collector/format.h collector/sort.h collector/dirty.h \
 include/event.h collector/store.h collector/client.h collector/command.h \
 collector/options.h collector/config.h collector/fresh.h \
 collector/message.h collector/moment.h collector/scan.h \
 collector/list_reasons.h collector/sentence.h
collector/certificate.h:
collector/list.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/store.h:
collector/client.h:
collector/command.h:
collector/options.h:
collector/config.h:
collector/fresh.h:
collector/message.h:
collector/moment.h:
collector/scan.h:
collector/list_reasons.h:
collector/sentence.h:
