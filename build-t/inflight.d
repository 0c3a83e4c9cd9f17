build/inflight: tests/vm/inflight.c
