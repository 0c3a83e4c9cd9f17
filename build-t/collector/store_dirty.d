build/collector/store_dirty.o: collector/store_dirty.c \
 collector/store_private.h collector/database.h collector/queries.h \
 collector/store.h collector/dirty.h include/event.h
collector/store_private.h:
collector/database.h:
collector/queries.h:
collector/store.h:
collector/dirty.h:
include/event.h:
