build/matrix/names.o: tests/vm/matrix/names.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
