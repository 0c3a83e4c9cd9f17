build/oracle/paths.o: tests/vm/oracle/paths.c tests/vm/oracle/paths.h \
 tests/vm/oracle/tasks.h tests/vm/oracle/model.h tests/vm/oracle/random.h
tests/vm/oracle/paths.h:
tests/vm/oracle/tasks.h:
tests/vm/oracle/model.h:
tests/vm/oracle/random.h:
