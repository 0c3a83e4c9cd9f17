build/test_format: tests/unit/test_format.c collector/format.h \
 collector/sort.h collector/dirty.h include/event.h
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
