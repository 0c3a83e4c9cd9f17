build/matrix/holders.o: tests/vm/matrix/holders.c \
 tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
