build/test_config: tests/unit/test_config.c collector/config.h \
 collector/options.h collector/config.h
collector/config.h:
collector/options.h:
collector/config.h:
