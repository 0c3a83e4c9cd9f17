build/test_link_feed: tests/unit/test_link_feed.c collector/link_feed.h \
 collector/batch.h collector/dirty.h include/event.h \
 collector/store_links.h collector/store.h
collector/link_feed.h:
collector/batch.h:
collector/dirty.h:
include/event.h:
collector/store_links.h:
collector/store.h:
