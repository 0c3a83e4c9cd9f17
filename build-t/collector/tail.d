build/collector/tail.o: collector/tail.c collector/base64.h \
 collector/decode.h collector/dirty.h include/event.h collector/moment.h \
 collector/tail.h collector/coverage.h collector/mounts.h \
 collector/store.h collector/sentence.h
collector/base64.h:
collector/decode.h:
collector/dirty.h:
include/event.h:
collector/moment.h:
collector/tail.h:
collector/coverage.h:
collector/mounts.h:
collector/store.h:
collector/sentence.h:
