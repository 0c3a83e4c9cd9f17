build/collector/sync.o: collector/sync.c collector/sync.h
collector/sync.h:
