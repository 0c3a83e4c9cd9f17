build/bpf/iterators.bpf.o: bpf/iterators.bpf.c bpf/hook.h bpf/shared.h \
  bpf/compat.h vmlinux/vmlinux.h include/event.h include/hooks.h \
  bpf/writer.h

bpf/hook.h:

bpf/shared.h:

bpf/compat.h:

vmlinux/vmlinux.h:

include/event.h:

include/hooks.h:

bpf/writer.h:
