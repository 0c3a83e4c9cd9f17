build/test_coverage: tests/unit/test_coverage.c collector/coverage.h \
 collector/dirty.h include/event.h collector/mounts.h collector/store.h
collector/coverage.h:
collector/dirty.h:
include/event.h:
collector/mounts.h:
collector/store.h:
