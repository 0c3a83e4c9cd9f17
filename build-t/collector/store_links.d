build/collector/store_links.o: collector/store_links.c \
 collector/store_links.h collector/store.h collector/dirty.h \
 include/event.h collector/store_private.h collector/database.h \
 collector/queries.h
collector/store_links.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/store_private.h:
collector/database.h:
collector/queries.h:
