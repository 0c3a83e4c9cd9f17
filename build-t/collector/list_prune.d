build/collector/list_prune.o: collector/list_prune.c \
 collector/list_prune.h
collector/list_prune.h:
