build/collector/sort.o: collector/sort.c collector/sort.h \
 collector/dirty.h include/event.h collector/sort_runs.h
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/sort_runs.h:
