build/collector/list_reasons.o: collector/list_reasons.c \
 collector/format.h collector/sort.h collector/dirty.h include/event.h \
 collector/list_reasons.h
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/list_reasons.h:
