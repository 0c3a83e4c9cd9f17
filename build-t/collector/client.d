build/collector/client.o: collector/client.c collector/client.h \
 collector/sentence.h
collector/client.h:
collector/sentence.h:
