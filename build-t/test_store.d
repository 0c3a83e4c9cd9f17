build/test_store: tests/unit/test_store.c collector/store.h \
 collector/dirty.h include/event.h
collector/store.h:
collector/dirty.h:
include/event.h:
