build/collector/database.o: collector/database.c collector/database.h \
 collector/queries.h
collector/database.h:
collector/queries.h:
