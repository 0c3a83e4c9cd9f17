build/collector/encryption.o: collector/encryption.c \
 collector/encryption.h
collector/encryption.h:
