build/collector/list.o: collector/list.c collector/certificate.h \
 collector/list.h collector/format.h collector/sort.h collector/dirty.h \
 include/event.h collector/store.h collector/gap.h collector/list_links.h \
 collector/output.h collector/places.h collector/list_reasons.h \
 collector/look.h collector/mounts.h collector/list_rows.h \
 collector/refine.h collector/sentence.h
collector/certificate.h:
collector/list.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/store.h:
collector/gap.h:
collector/list_links.h:
collector/output.h:
collector/places.h:
collector/list_reasons.h:
collector/look.h:
collector/mounts.h:
collector/list_rows.h:
collector/refine.h:
collector/sentence.h:
