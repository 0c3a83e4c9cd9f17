build/oracle/lists.o: tests/vm/oracle/lists.c tests/vm/oracle/replica.h \
 tests/vm/oracle/model.h
tests/vm/oracle/replica.h:
tests/vm/oracle/model.h:
