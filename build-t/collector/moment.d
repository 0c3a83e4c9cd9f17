build/collector/moment.o: collector/moment.c collector/moment.h
collector/moment.h:
