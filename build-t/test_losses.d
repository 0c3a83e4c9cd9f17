build/test_losses: tests/unit/test_losses.c collector/collector.h \
 collector/batch.h collector/dirty.h include/event.h \
 collector/store_links.h collector/store.h collector/clock.h \
 collector/config.h collector/coverage.h collector/mounts.h \
 collector/fresh.h collector/ftrace.h collector/gap.h \
 collector/link_feed.h collector/loops.h collector/losses.h \
 collector/tracer.h include/hooks.h
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
