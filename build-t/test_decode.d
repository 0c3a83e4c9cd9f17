build/test_decode: tests/unit/test_decode.c collector/decode.h \
 collector/dirty.h include/event.h
collector/decode.h:
collector/dirty.h:
include/event.h:
