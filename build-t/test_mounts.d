build/test_mounts: tests/unit/test_mounts.c collector/mounts.h
collector/mounts.h:
