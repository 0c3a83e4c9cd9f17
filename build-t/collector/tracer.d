build/collector/tracer.o: collector/tracer.c collector/ring.h \
 collector/tracer.h include/event.h include/hooks.h collector/sentence.h
collector/ring.h:
collector/tracer.h:
include/event.h:
include/hooks.h:
collector/sentence.h:
