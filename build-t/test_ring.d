build/test_ring: tests/unit/test_ring.c collector/ring.h
collector/ring.h:
