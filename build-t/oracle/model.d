build/oracle/model.o: tests/vm/oracle/model.c tests/vm/oracle/model.h \
 tests/vm/oracle/random.h
tests/vm/oracle/model.h:
tests/vm/oracle/random.h:
