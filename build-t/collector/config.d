build/collector/config.o: collector/config.c collector/config.h \
 collector/sentence.h
collector/config.h:
collector/sentence.h:
