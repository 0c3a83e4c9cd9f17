build/collector/places.o: collector/places.c collector/path.h \
 collector/places_private.h collector/mounts.h collector/places.h \
 collector/list_reasons.h collector/look.h collector/store.h \
 collector/dirty.h include/event.h collector/sentence.h
collector/path.h:
collector/places_private.h:
collector/mounts.h:
collector/places.h:
collector/list_reasons.h:
collector/look.h:
collector/store.h:
collector/dirty.h:
include/event.h:
collector/sentence.h:
