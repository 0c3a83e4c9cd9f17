build/matrix/xfs.o: tests/vm/matrix/xfs.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
