build/oracle/tasks.o: tests/vm/oracle/tasks.c tests/vm/oracle/tasks.h \
 tests/vm/oracle/model.h tests/vm/oracle/random.h
tests/vm/oracle/tasks.h:
tests/vm/oracle/model.h:
tests/vm/oracle/random.h:
