build/test_moment: tests/unit/test_moment.c collector/moment.h
collector/moment.h:
