build/bpf/report.bpf.o: bpf/report.bpf.c bpf/shared.h bpf/compat.h \
  vmlinux/vmlinux.h include/event.h include/hooks.h

bpf/shared.h:

bpf/compat.h:

vmlinux/vmlinux.h:

include/event.h:

include/hooks.h:
