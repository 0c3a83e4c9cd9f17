build/collector/message.o: collector/message.c collector/message.h
collector/message.h:
