build/collector/ftrace.o: collector/ftrace.c collector/ftrace.h
collector/ftrace.h:
