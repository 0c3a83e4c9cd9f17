build/bpf/attributes.bpf.o: bpf/attributes.bpf.c bpf/hook.h bpf/shared.h \
  bpf/compat.h vmlinux/vmlinux.h include/event.h include/hooks.h

bpf/hook.h:

bpf/shared.h:

bpf/compat.h:

vmlinux/vmlinux.h:

include/event.h:

include/hooks.h:
