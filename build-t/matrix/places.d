build/matrix/places.o: tests/vm/matrix/places.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
