build/collector/base64.o: collector/base64.c collector/base64.h
collector/base64.h:
