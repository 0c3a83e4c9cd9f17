build/collector/new_file.o: collector/new_file.c collector/new_file.h \
 collector/sentence.h collector/sort.h collector/dirty.h include/event.h
collector/new_file.h:
collector/sentence.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
