build/collector/sort_runs.o: collector/sort_runs.c collector/sort.h \
 collector/dirty.h include/event.h collector/sort_runs.h
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/sort_runs.h:
