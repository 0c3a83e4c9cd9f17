build/test_clock: tests/unit/test_clock.c collector/clock.h \
 collector/moment.h
collector/clock.h:
collector/moment.h:
