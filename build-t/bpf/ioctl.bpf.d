build/bpf/ioctl.bpf.o: bpf/ioctl.bpf.c bpf/hook.h bpf/shared.h \
  bpf/compat.h vmlinux/vmlinux.h include/event.h include/hooks.h

bpf/hook.h:

bpf/shared.h:

bpf/compat.h:

vmlinux/vmlinux.h:

include/event.h:

include/hooks.h:
