build/matrix/quiet.o: tests/vm/matrix/quiet.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
