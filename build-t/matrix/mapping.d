build/matrix/mapping.o: tests/vm/matrix/mapping.c \
 tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
