build/test_batch: tests/unit/test_batch.c collector/batch.h \
 collector/dirty.h include/event.h collector/store_links.h \
 collector/store.h collector/store.h collector/store_links.h
collector/batch.h:
collector/dirty.h:
include/event.h:
collector/store_links.h:
collector/store.h:
collector/store.h:
collector/store_links.h:
