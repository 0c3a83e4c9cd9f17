build/collector/batch.o: collector/batch.c collector/batch.h \
 collector/dirty.h include/event.h collector/store_links.h \
 collector/store.h
collector/batch.h:
collector/dirty.h:
include/event.h:
collector/store_links.h:
collector/store.h:
