build/matrix/content.o: tests/vm/matrix/content.c \
 tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
