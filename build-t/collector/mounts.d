build/collector/mounts.o: collector/mounts.c collector/mounts.h \
 collector/path.h
collector/mounts.h:
collector/path.h:
