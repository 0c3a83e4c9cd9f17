build/matrix/ext4.o: tests/vm/matrix/ext4.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
