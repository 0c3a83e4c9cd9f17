build/matrix/attributes.o: tests/vm/matrix/attributes.c \
 tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
