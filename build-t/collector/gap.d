build/collector/gap.o: collector/gap.c collector/gap.h include/event.h
collector/gap.h:
include/event.h:
