build/test_list: tests/unit/test_list.c collector/list.h \
 collector/format.h collector/sort.h collector/dirty.h include/event.h \
 collector/store.h collector/mounts.h collector/store_links.h
collector/list.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/store.h:
collector/mounts.h:
collector/store_links.h:
