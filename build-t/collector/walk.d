build/collector/walk.o: collector/walk.c collector/base64.h \
 collector/sentence.h collector/store_links.h collector/store.h \
 collector/dirty.h include/event.h collector/walk.h collector/collector.h \
 collector/batch.h collector/clock.h collector/config.h \
 collector/coverage.h collector/mounts.h collector/fresh.h \
 collector/ftrace.h collector/gap.h collector/link_feed.h \
 collector/loops.h collector/losses.h collector/tracer.h include/hooks.h
collector/base64.h:
collector/sentence.h:
collector/store_links.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/walk.h:
collector/collector.h:
collector/batch.h:
collector/clock.h:
collector/config.h:
collector/coverage.h:
collector/mounts.h:
collector/fresh.h:
collector/ftrace.h:
collector/gap.h:
collector/link_feed.h:
collector/loops.h:
collector/losses.h:
collector/tracer.h:
include/hooks.h:
