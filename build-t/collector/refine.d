build/collector/refine.o: collector/refine.c collector/moment.h \
 collector/refine.h collector/dirty.h include/event.h collector/look.h \
 collector/mounts.h
collector/moment.h:
collector/refine.h:
collector/dirty.h:
include/event.h:
collector/look.h:
collector/mounts.h:
