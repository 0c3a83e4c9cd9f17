build/collector/list_links.o: collector/list_links.c \
 collector/list_links.h collector/output.h collector/list.h \
 collector/format.h collector/sort.h collector/dirty.h include/event.h \
 collector/store.h collector/places.h collector/list_reasons.h \
 collector/look.h collector/mounts.h collector/store_links.h
collector/list_links.h:
collector/output.h:
collector/list.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/store.h:
collector/places.h:
collector/list_reasons.h:
collector/look.h:
collector/mounts.h:
collector/store_links.h:
