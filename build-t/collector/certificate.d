build/collector/certificate.o: collector/certificate.c build/version.h \
 collector/certificate.h collector/list.h collector/format.h \
 collector/sort.h collector/dirty.h include/event.h collector/store.h \
 collector/fresh.h collector/gap.h collector/moment.h \
 collector/new_file.h collector/sentence.h
build/version.h:
collector/certificate.h:
collector/list.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/store.h:
collector/fresh.h:
collector/gap.h:
collector/moment.h:
collector/new_file.h:
collector/sentence.h:
