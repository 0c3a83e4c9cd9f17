build/collector/link_feed.o: collector/link_feed.c collector/decode.h \
 collector/dirty.h include/event.h collector/link_feed.h \
 collector/batch.h collector/store_links.h collector/store.h
collector/decode.h:
collector/dirty.h:
include/event.h:
collector/link_feed.h:
collector/batch.h:
collector/store_links.h:
collector/store.h:
