build/bpf/names.bpf.o: bpf/names.bpf.c bpf/hook.h bpf/shared.h \
  bpf/compat.h vmlinux/vmlinux.h include/event.h include/hooks.h

bpf/hook.h:

bpf/shared.h:

bpf/compat.h:

vmlinux/vmlinux.h:

include/event.h:

include/hooks.h:
