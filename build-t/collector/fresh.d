build/collector/fresh.o: collector/fresh.c collector/fresh.h
collector/fresh.h:
