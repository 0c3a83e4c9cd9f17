build/collector/loops.o: collector/loops.c collector/loops.h
collector/loops.h:
