build/matrix/uring.o: tests/vm/matrix/uring.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
