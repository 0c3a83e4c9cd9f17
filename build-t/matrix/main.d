build/matrix/main.o: tests/vm/matrix/main.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
