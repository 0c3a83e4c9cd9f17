build/collector/store.o: collector/store.c collector/fresh.h \
 collector/store_private.h collector/database.h collector/queries.h \
 collector/store.h collector/dirty.h include/event.h
collector/fresh.h:
collector/store_private.h:
collector/database.h:
collector/queries.h:
collector/store.h:
collector/dirty.h:
include/event.h:
