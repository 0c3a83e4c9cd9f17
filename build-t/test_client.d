build/test_client: tests/unit/test_client.c collector/base64.h \
 collector/client.h
collector/base64.h:
collector/client.h:
