build/test_store_links: tests/unit/test_store_links.c \
 collector/store_links.h collector/store.h collector/dirty.h \
 include/event.h
collector/store_links.h:
collector/store.h:
collector/dirty.h:
include/event.h:
