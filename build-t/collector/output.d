build/collector/output.o: collector/output.c collector/list_prune.h \
 collector/new_file.h collector/output.h collector/list.h \
 collector/format.h collector/sort.h collector/dirty.h include/event.h \
 collector/store.h collector/path.h collector/sentence.h
collector/list_prune.h:
collector/new_file.h:
collector/output.h:
collector/list.h:
collector/format.h:
collector/sort.h:
collector/dirty.h:
include/event.h:
collector/store.h:
collector/path.h:
collector/sentence.h:
