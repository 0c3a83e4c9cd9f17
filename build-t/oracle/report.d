build/oracle/report.o: tests/vm/oracle/report.c tests/vm/oracle/oracle.h \
 tests/vm/oracle/product.h tests/vm/oracle/replica.h \
 tests/vm/oracle/model.h tests/vm/oracle/tasks.h tests/vm/oracle/random.h
tests/vm/oracle/oracle.h:
tests/vm/oracle/product.h:
tests/vm/oracle/replica.h:
tests/vm/oracle/model.h:
tests/vm/oracle/tasks.h:
tests/vm/oracle/random.h:
