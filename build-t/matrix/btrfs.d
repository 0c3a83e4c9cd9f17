build/matrix/btrfs.o: tests/vm/matrix/btrfs.c tests/vm/matrix/matrix.h
tests/vm/matrix/matrix.h:
