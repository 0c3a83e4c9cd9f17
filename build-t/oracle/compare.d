build/oracle/compare.o: tests/vm/oracle/compare.c \
 tests/vm/oracle/replica.h tests/vm/oracle/model.h
tests/vm/oracle/replica.h:
tests/vm/oracle/model.h:
