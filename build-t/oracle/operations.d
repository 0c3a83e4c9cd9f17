build/oracle/operations.o: tests/vm/oracle/operations.c \
 tests/vm/oracle/operations.h tests/vm/oracle/paths.h \
 tests/vm/oracle/tasks.h tests/vm/oracle/model.h tests/vm/oracle/random.h
tests/vm/oracle/operations.h:
tests/vm/oracle/paths.h:
tests/vm/oracle/tasks.h:
tests/vm/oracle/model.h:
tests/vm/oracle/random.h:
