build/test_sort: tests/unit/test_sort.c collector/sort.h \
 collector/dirty.h include/event.h
collector/sort.h:
collector/dirty.h:
include/event.h:
