build/matrix/util.o: tests/vm/matrix/util.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
