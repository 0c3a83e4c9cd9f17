build/collector/decode.o: collector/decode.c collector/decode.h \
 collector/dirty.h include/event.h
collector/decode.h:
collector/dirty.h:
include/event.h:
