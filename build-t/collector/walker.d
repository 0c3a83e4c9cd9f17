build/collector/walker.o: collector/walker.c collector/command.h \
 collector/options.h collector/config.h collector/store.h \
 collector/dirty.h include/event.h collector/message.h \
 collector/store_links.h collector/walker.h collector/collector.h \
 collector/batch.h collector/clock.h collector/coverage.h \
 collector/mounts.h collector/fresh.h collector/ftrace.h collector/gap.h \
 collector/link_feed.h collector/loops.h collector/losses.h \
 collector/tracer.h include/hooks.h
collector/command.h:
collector/options.h:
collector/config.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/message.h:
collector/store_links.h:
collector/walker.h:
collector/collector.h:
collector/batch.h:
collector/clock.h:
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
