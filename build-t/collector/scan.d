build/collector/scan.o: collector/scan.c collector/base64.h \
 collector/client.h collector/look.h collector/mounts.h collector/path.h \
 collector/scan.h collector/list_reasons.h collector/sentence.h \
 collector/walk.h collector/collector.h collector/batch.h \
 collector/dirty.h include/event.h collector/store_links.h \
 collector/store.h collector/clock.h collector/config.h \
 collector/coverage.h collector/fresh.h collector/ftrace.h \
 collector/gap.h collector/link_feed.h collector/loops.h \
 collector/losses.h collector/tracer.h include/hooks.h
collector/base64.h:
collector/client.h:
collector/look.h:
collector/mounts.h:
collector/path.h:
collector/scan.h:
collector/list_reasons.h:
collector/sentence.h:
collector/walk.h:
collector/collector.h:
collector/batch.h:
collector/dirty.h:
include/event.h:
collector/store_links.h:
collector/store.h:
collector/clock.h:
collector/config.h:
collector/coverage.h:
collector/fresh.h:
collector/ftrace.h:
collector/gap.h:
collector/link_feed.h:
collector/loops.h:
collector/losses.h:
collector/tracer.h:
include/hooks.h:
