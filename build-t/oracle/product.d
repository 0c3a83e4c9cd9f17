build/oracle/product.o: tests/vm/oracle/product.c \
 tests/vm/oracle/product.h tests/vm/oracle/replica.h \
 tests/vm/oracle/model.h
tests/vm/oracle/product.h:
tests/vm/oracle/replica.h:
tests/vm/oracle/model.h:
