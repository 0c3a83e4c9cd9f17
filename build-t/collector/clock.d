build/collector/clock.o: collector/clock.c collector/clock.h \
 collector/moment.h
collector/clock.h:
collector/moment.h:
