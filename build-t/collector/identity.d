build/collector/identity.o: collector/identity.c collector/collector.h \
 collector/batch.h collector/dirty.h include/event.h \
 collector/store_links.h collector/store.h collector/clock.h \
 collector/config.h collector/coverage.h collector/mounts.h \
 collector/fresh.h collector/ftrace.h collector/gap.h \
 collector/link_feed.h collector/loops.h collector/losses.h \
 collector/tracer.h include/hooks.h collector/identity.h \
 collector/moment.h
collector/collector.h:
collector/batch.h:
collector/dirty.h:
include/event.h:
collector/store_links.h:
collector/store.h:
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
collector/identity.h:
collector/moment.h:
