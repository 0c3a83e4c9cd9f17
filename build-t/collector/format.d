build/collector/format.o: collector/format.c collector/base64.h \
 collector/format.h collector/sort.h collector/dirty.h include/event.h
collector/base64.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
