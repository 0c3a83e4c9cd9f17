build/collector/coverage.o: collector/coverage.c collector/coverage.h \
 collector/dirty.h include/event.h collector/mounts.h collector/store.h \
 collector/path.h collector/sentence.h
collector/coverage.h:
collector/dirty.h:
include/event.h:
collector/mounts.h:
collector/store.h:
collector/path.h:
collector/sentence.h:
