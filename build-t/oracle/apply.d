build/oracle/apply.o: tests/vm/oracle/apply.c tests/vm/oracle/replica.h \
 tests/vm/oracle/model.h
tests/vm/oracle/replica.h:
tests/vm/oracle/model.h:
