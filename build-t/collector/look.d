build/collector/look.o: collector/look.c collector/encryption.h \
 collector/look.h collector/mounts.h collector/moment.h collector/sort.h \
 collector/dirty.h include/event.h
collector/encryption.h:
collector/look.h:
collector/mounts.h:
collector/moment.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
