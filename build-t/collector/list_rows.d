build/collector/list_rows.o: collector/list_rows.c collector/list_rows.h \
 collector/list_links.h collector/output.h collector/list.h \
 collector/format.h collector/sort.h collector/dirty.h include/event.h \
 collector/store.h collector/places.h collector/list_reasons.h \
 collector/look.h collector/mounts.h collector/refine.h \
 collector/sentence.h
collector/list_rows.h:
collector/list_links.h:
collector/output.h:
collector/list.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/store.h:
collector/places.h:
collector/list_reasons.h:
collector/look.h:
collector/mounts.h:
collector/refine.h:
collector/sentence.h:
