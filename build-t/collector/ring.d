build/collector/ring.o: collector/ring.c collector/ring.h
collector/ring.h:
