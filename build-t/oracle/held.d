build/oracle/held.o: tests/vm/oracle/held.c tests/vm/oracle/operations.h \
 tests/vm/oracle/paths.h tests/vm/oracle/tasks.h tests/vm/oracle/model.h \
 tests/vm/oracle/random.h
tests/vm/oracle/operations.h:
tests/vm/oracle/paths.h:
tests/vm/oracle/tasks.h:
tests/vm/oracle/model.h:
tests/vm/oracle/random.h:
