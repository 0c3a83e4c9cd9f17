# SPDX-License-Identifier: GPL-2.0
# 'make help' lists the targets. Nothing outside $(B) is written, but by install and format.

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/fschanged
UNITDIR ?= $(PREFIX)/lib/systemd/system
B ?= build
MINUTES ?= 60
N ?= 100
PATHS ?= 1000000
FAULTS ?= all
KERNELS ?= 5.10 6.1 6.12 6.18 7

# Debian 12's packages; those after the first line are for the tests and for lint.
PACKAGES := clang llvm bpftool gcc make pkg-config libbpf-dev libelf-dev zlib1g-dev libsqlite3-dev libjansson-dev \
	libinih-dev libsystemd-dev libmount-dev libblkid-dev scdoc git
PACKAGES += libcmocka-dev qemu-system-x86 busybox-static kmod cpio zstd xz-utils e2fsprogs xfsprogs btrfs-progs rsync \
	attr acl python3 python3-jsonschema sqlite3 util-linux procps dmsetup liburing-dev xfslibs-dev nfs-kernel-server \
	nbdkit
PACKAGES += systemd udev
PACKAGES += clang-format clang-tidy cppcheck shellcheck
# What only the measurements need besides.
BENCH_PACKAGES := gnuplot-nox

CLANG ?= clang
OBJCOPY ?= objcopy
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
LIBRARIES := libbpf sqlite3 jansson inih libsystemd mount blkid
HAVE_LIBRARIES := $(shell pkg-config --exists $(LIBRARIES) 2>/dev/null && echo yes)
VERSION := $(shell cat VERSION 2>/dev/null || git describe --tags --always --dirty 2>/dev/null || echo unknown)

WERROR ?= $(if $(CI),1)
WARNINGS := -Wall -Wextra $(if $(WERROR),-Werror)
INCLUDES := -Iinclude -Icollector -isystem $(B)
BPF_CFLAGS := -O2 -g --target=bpf -mcpu=v3 -D__bpf__ $(WARNINGS) -Wno-unused-function -Iinclude -Ivmlinux -Ibpf
CFLAGS ?= -O2 -g
HARDENING := -fPIE -fstack-protector-strong $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARNINGS) -D_GNU_SOURCE $(INCLUDES) $(HARDENING) $(SANITIZE) \
	$(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
ALL_CFLAGS := $(ALL_CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now -pthread $(SANITIZE) $(LDFLAGS)
LDLIBS := $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null)

# Maps and globals come first: the compiler gives them the section of their definition.
BPF_SOURCES := $(wildcard bpf/fschanged.bpf.c) $(sort $(filter-out bpf/fschanged.bpf.c,$(wildcard bpf/*.bpf.c)))
SOURCES := $(sort $(wildcard collector/*.c))
LIBRARY_OBJECTS := $(patsubst %.c,$(B)/%.o,$(filter-out collector/main.c,$(SOURCES))) \
	$(patsubst collector/schema.sql,$(B)/schema.o,$(wildcard collector/schema.sql))
NATIVE_OBJECTS := $(patsubst bench/%.c,$(B)/%.o,$(sort $(wildcard bench/native/*.c)))
MATRIX_OBJECTS := $(patsubst tests/vm/%.c,$(B)/%.o,$(sort $(wildcard tests/vm/matrix/*.c)))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/%,$(sort $(wildcard tests/unit/test_*.c)))
# Programs that the tests in real kernels use.
HELPERS := $(patsubst tests/vm/%.c,$(B)/%,$(sort $(wildcard tests/vm/*.c)))
VERSIONED := $(patsubst %.c,$(B)/%.o,$(shell grep -ls FSCHANGED_VERSION $(SOURCES)))
# Programs that the measurements in real kernels use.
BENCH_PROGRAMS := $(patsubst bench/guest/%.c,$(B)/bench/%,$(sort $(filter-out %.bpf.c,$(wildcard bench/guest/*.c)))) \
	$(B)/bench/empty.bpf.o
ORACLE_OBJECTS := $(patsubst tests/vm/%.c,$(B)/%.o,$(sort $(wildcard tests/vm/oracle/*.c)))
C_FILES := $(sort $(wildcard bench/*.[ch] bench/*/*.[ch] collector/*.[ch] include/*.h tests/unit/*.[ch] tests/vm/*.[ch] tests/vm/*/*.[ch] \
	bpf/*.[ch] vmlinux/*.h))
# Programs of the tests and the like, whatever they are called: those that begin with the line of a shell.
SCRIPTS = $(shell grep -rlIE -m1 '^\#!/bin/(ba|da)?sh|^\#!/usr/bin/env bash|^\#!/bin/busybox sh' \
	tests .ci bench dist 2>/dev/null)
MAN_PAGES = $(patsubst docs/%.scd,$(B)/man/%,$(wildcard docs/*.[1-8].scd))

comma := ,

# Q hides the command, $(call say,CC,file) says it in short; V=1 turns both around.
ifdef V
Q :=
say :=
else
Q := @
say = @printf '  %-8s%s\n' $(1) $(2);
endif

# Libraries that are missing would else show as dozens of errors of the compiler.
libraries = $(if $(HAVE_LIBRARIES),,$(error a library is missing: run 'make deps' first))

all: $(B)/fschanged ## build/fschanged (the default)

help: ## this list
	@sed -n 's/^\([a-z_.-]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 24
	@echo "V=1 shows the commands, WERROR=1 makes warnings errors"

deps: ## install what Debian 12 needs to build and test; nothing if all is there
	@missing=; for package in $(PACKAGES) $(MORE_PACKAGES); do \
		status=$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null) || :; \
		[ "$$status" = installed ] || missing="$$missing $$package"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	echo "installing:$$missing"; \
	[ "$$(id -u)" = 0 ] || { echo "make deps: run it as root to install them" >&2; exit 1; }; \
	apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing

# What needs the packages is made by a second make: this one has already asked pkg-config.
demo: deps ## install, build, and show the main job live
	+@$(MAKE) --no-print-directory all
	@tests/demo.sh

check: deps ## build, unit tests, and tests in real kernels
	+@$(MAKE) --no-print-directory all unit-tests helpers
	@tests/run $(B)

unit: unit-tests ## unit tests only
	@tests/run --unit $(B)

unit-tests: $(UNIT_TESTS)

helpers: $(HELPERS) $(B)/random-oracle $(B)/all-changes

asan: ## unit tests with address and undefined-behaviour sanitizers, in build/asan
	+@$(MAKE) --no-print-directory unit B=$(B)/asan CFLAGS='-O1 -g' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

soak: deps ## the random oracle for MINUTES on KERNELS: make soak MINUTES=60 KERNELS="6.12 7"
	+@$(MAKE) --no-print-directory all helpers
	@FSCHANGED_BUILD=$(B) tests/vm/soak $(MINUTES) $(KERNELS)

faults: deps ## each way to a system call of the collector fails with each fault: make faults FAULTS=KILL-once,later KERNELS=6.12
	+@$(MAKE) --no-print-directory all helpers
	@for kernel in $(KERNELS); do tests/vm/kernels fetch $$kernel >/dev/null && \
		FSCHANGED_BUILD=$(B) FSCHANGED_FAULTS="everywhere $(FAULTS)" tests/vm/vm --kernel $$kernel --results $(B)/faults-$$kernel \
		--cpus 1 --disk 512 --disk 512 --timeout 1000000 -- tests/vm/guest faults_at_system_calls || exit 1; done

chaos: deps ## the random oracle with faults thrown in: make chaos MINUTES=60 KERNELS="6.12 7"
	+@$(MAKE) --no-print-directory all helpers
	@FSCHANGED_BUILD=$(B) tests/vm/chaos $(MINUTES) $(KERNELS)

powercuts: deps ## cut the power of guests N times at random moments: make powercuts N=100 KERNELS=6.12
	+@$(MAKE) --no-print-directory all helpers
	@FSCHANGED_BUILD=$(B) tests/vm/powercut $(N) $(KERNELS)

reboots: deps ## boot machines with systemd and the service, on KERNELS
	+@$(MAKE) --no-print-directory all
	@for kernel in $(KERNELS); do tests/vm/reboot $$kernel || exit 1; done

bench: MORE_PACKAGES := $(BENCH_PACKAGES)
bench: deps ## measure on counted instructions: tables, JSON and plots in build/bench: make bench KERNELS=6.12
	+@$(MAKE) --no-print-directory all bench-programs bench-native
	@FSCHANGED_BUILD=$(B) bench/bench $(if $(filter file,$(origin KERNELS)),6.1 6.12 7,$(KERNELS))

bench-programs: $(BENCH_PROGRAMS) $(B)/bench/tree.tar

bench-native: $(B)/bench-native | $(B)/bench ## the collector without a kernel: speed, memory, size: make bench-native PATHS=10000000
	@$(B)/bench-native --paths $(PATHS) --json $(B)/bench/native.json

mutants: deps ## take out one guard after another: its test must fail
	+@$(MAKE) --no-print-directory all unit-tests helpers
	@tests/vm/mutants

lint: $(B)/compile_commands.json $(LIBRARY_OBJECTS) ## formatting and static analysis
	$(call say,FORMAT)clang-format --dry-run -Werror $(C_FILES)
	$(call say,TIDY)printf '%s\n' $(SOURCES) | xargs -P $$(nproc) -n 1 clang-tidy --quiet -p $(B) 2>$(B)/tidy.log
	$(call say,CPPCHECK)cppcheck --quiet --error-exitcode=1 --std=c17 --inline-suppr --library=posix \
		--enable=warning,portability --suppress=missingIncludeSystem --suppress=readdirCalled -D_GNU_SOURCE \
		'-Djson_array_foreach(array, i, value)=while ((value = next_of(array, &i)))' \
		'-Dbpf_object__for_each_program(program, object)=while ((program = bpf_object__next_program(object, program)))' \
		-Iinclude -Icollector $(SOURCES)
	$(call say,SHELL)shellcheck --external-sources --source-path=SCRIPTDIR --exclude=SC2187 $(SCRIPTS)

format: ## clang-format all C files in place
	clang-format -i $(C_FILES)

install: all $(MAN_PAGES) ## install to DESTDIR and PREFIX
	install -D -m 755 $(B)/fschanged $(DESTDIR)$(SBINDIR)/fschanged
	for unit in $(wildcard dist/*.service dist/*.socket dist/*.timer); do \
		install -D -m 644 $$unit $(DESTDIR)$(UNITDIR)/$${unit##*/} || exit 1; \
	done
	install -D -m 644 dist/fschanged.conf $(DESTDIR)$(DOCDIR)/fschanged.conf
	install -D -m 644 dist/certificate.schema.json $(DESTDIR)$(DOCDIR)/certificate.schema.json
	for page in $(MAN_PAGES); do \
		install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done

clean: ## remove what was built
	rm -rf $(B)

compile_commands.json: $(B)/compile_commands.json ## build/compile_commands.json for editors and clang-tidy

# ---- programs in the kernel

# Twice: programs that read the kernel's memory by loads, and by calls where it does not take these (bpf/compat.h). One
# translation unit: libbpf's linker until 1.3 refuses a function of the kernel that two objects call.
$(B)/bpf/fschanged.o: BPF_CFLAGS += -DBY_LOADS=1
$(B)/bpf/calls.o: BPF_CFLAGS += -DBY_LOADS=0
$(B)/bpf/fschanged.o $(B)/bpf/calls.o: $(BPF_SOURCES) | $(B)/bpf
	$(call say,BPF,$(@F))$(CLANG) $(BPF_CFLAGS) -MMD -MP $(patsubst %,-include %,$(BPF_SOURCES)) -x c -c /dev/null -o $@

# Without what is for debuggers only.
$(B)/%.bpf.o: $(B)/bpf/%.o
	$(call say,BPFLINK,$@)$(BPFTOOL) gen object $@ $<

.SECONDARY: $(B)/fschanged.bpf.o $(B)/calls.bpf.o
$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@){ echo '/* NOLINTBEGIN */' && $(BPFTOOL) gen skeleton $< name $*_bpf && \
		echo '/* NOLINTEND */'; } >$@.new && mv $@.new $@

# ---- collector

$(B)/collector/kernel.o: $(B)/fschanged.skel.h $(B)/calls.skel.h

$(VERSIONED): ALL_CFLAGS += -include $(B)/version.h
$(VERSIONED): $(B)/version.h

# Changes only when the version does.
$(B)/version.h: FORCE | $(B)
	@echo '#define FSCHANGED_VERSION "$(VERSION)"' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(B)/schema.c: collector/schema.sql | $(B)
	$(call say,GEN,$@){ echo 'extern const char schema_sql[];'; echo 'const char schema_sql[] ='; \
		sed -e 's/[\\"]/\\&/g' -e 's/.*/	"&\\n"/' $<; echo '	;'; } >$@.new && mv $@.new $@

$(B)/schema.o: $(B)/schema.c
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/collector/%.o: collector/%.c | $(B)/collector
	$(libraries)$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Made anew each time: an old archive would keep objects whose source is gone.
$(B)/libcollector.a: $(LIBRARY_OBJECTS)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(B)/fschanged: $(B)/collector/main.o $(B)/libcollector.a
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $^ $(LDLIBS) -o $@

# Tests that stand in for what they put into: functions of which the test has one of its own, __wrap_ and the name.
WRAP = $(addprefix -Wl$(comma)--wrap=,$(WRAPPED))
$(B)/test_batch: WRAPPED := store_put_dirty store_put_link
$(B)/test_losses: WRAPPED := tracer_counters tracer_enter_open_files collector_add_gap ftrace_was_off tracer_account
$(B)/test_window: WRAPPED := tracer_produced tracer_consumed tracer_flip tracer_carry collector_collect \
	collector_check_clock collector_enter_loops collector_follow_mounts hidden_check losses_check losses_carry \
	losses_carried describe_window collector_check_pins usleep moment_of_boot store_add_gap
$(B)/test_collector: WRAPPED := tracer_produced tracer_consumed tracer_next tracer_release tracer_is_repeated \
	tracer_position store_end filesystems_find losses_check seals_check
$(B)/test_hidden: WRAPPED := tracer_count_held tracer_held swaps_each tracer_enter_open_files collector_add_gap
$(B)/test_cover: WRAPPED := window_cut tracer_enter_open_files collector_enter_loops collector_collect
$(B)/test_scan_walk: WRAPPED := scan_send scan_must_save scan_save inodes_find
$(B)/test_seals: WRAPPED := tracer_forget tracer_superblock tracer_produced tracer_consumed tracer_raw_write \
	blocks_name seal_read store_add_gap
$(B)/test_takeover: WRAPPED := tracer_origin losses_take_over collector_check_clock
$(B)/test_filesystems: WRAPPED := tracer_trace tracer_forget tracer_superblock tracer_each_superblock tracer_enter_open_files \
	hidden_check seals_spoil collector_flush blocks_below mount_identity mounts_read store_add_gap tracer_origin \
	seals_load seals_look
$(B)/test_tracer: WRAPPED := kernel_get kernel_remove kernel_run_iterator kernel_each_entry
$(B)/test_tracer_pins: WRAPPED := pins_next pins_remove pins_count pins_each kernel_open_pin kernel_value_bytes kernel_get \
	kernel_entries ring_open ring_close \
	kernel_program_of kernel_missed_runs host_has_server
$(B)/test_tracer_adopt: WRAPPED := kernel_value_bytes kernel_each_entry kernel_add kernel_get kernel_put kernel_remove \
	kernel_wait_for_programs generation_pinned_misses generation_pinned_missed_raw_writes
$(B)/test_tracer_open: WRAPPED := btf__load_vmlinux_btf tracer_probe tracer_copy_tables kernel_open_barrier \
	kernel_wait_for_programs kernel_load kernel_map_globals kernel_unmap_globals kernel_attach pins_open generations_open \
	generation_pin ring_open
$(B)/test_ftrace: WRAPPED := open inotify_add_watch
$(B)/test_coverage: WRAPPED := mounts_read
$(B)/test_commit: WRAPPED := command_ask sync_filesystems
$(B)/test_jobs: WRAPPED := window_cut collector_follow_mounts seals_leave_out retention_prune
$(B)/test_dump: WRAPPED := client_ask geteuid
$(B)/test_pause: WRAPPED := collector_collect
$(B)/test_list: WRAPPED := clock_gettime setpriority outputs_add
$(B)/test_link_feed: WRAPPED := batch_add_link
$(B)/test_store_runs: WRAPPED := database_run
$(B)/test_wal_disk: WRAPPED := open

$(B)/test_%: tests/unit/test_%.c $(B)/libcollector.a | $(B)
	$(libraries)$(call say,TEST,$<)$(CC) $(ALL_CFLAGS) -MMD -MP $< $(B)/libcollector.a $(ALL_LDFLAGS) $(WRAP) $(LDLIBS) -lcmocka -o $@

$(B)/native/%.o: bench/native/%.c | $(B)/native
	$(libraries)$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/bench-native: WRAPPED := tracer_produced tracer_consumed tracer_next tracer_release tracer_is_repeated \
	tracer_position tracer_ring_use filesystems_find losses_check seals_check
$(B)/bench-native: $(NATIVE_OBJECTS) $(B)/libcollector.a
	$(call say,LD,$@)$(CC) $^ $(ALL_LDFLAGS) $(WRAP) $(LDLIBS) -o $@

$(B)/oracle/%.o: tests/vm/oracle/%.c | $(B)/oracle
	$(call say,CC,$<)$(CC) -std=gnu17 $(CFLAGS) $(WARNINGS) -D_GNU_SOURCE $(SANITIZE) -MMD -MP -c $< -o $@

# The program as one object, of which only main() is seen, under another name.
$(B)/oracle/linked-in: $(B)/collector/main.o $(B)/libcollector.a | $(B)/oracle
	$(call say,LD,$@)$(LD) -r $^ -o $@ && \
		$(OBJCOPY) --redefine-sym main=fschanged_main --keep-global-symbol=fschanged_main $@

$(B)/random-oracle: $(ORACLE_OBJECTS) $(B)/oracle/linked-in
	$(call say,LD,$@)$(CC) $(SANITIZE) -pthread $^ $(LDLIBS) -o $@

# Changes files in every way there is.
$(B)/matrix/%.o: tests/vm/matrix/%.c | $(B)/matrix
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/all-changes: $(MATRIX_OBJECTS)
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $^ -luring -o $@

LDLIBS_attach := -lbpf
$(B)/bench/%.bpf.o: bench/guest/%.bpf.c | $(B)/bench
	$(call say,BPF,$(@F))$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/bench/%: bench/guest/%.c | $(B)/bench
	$(call say,CC,$<)$(CC) -std=gnu17 $(CFLAGS) $(WARNINGS) -D_GNU_SOURCE -MMD -MP $< $(LDLIBS_$(@F)) -o $@

$(B)/bench/tree.tar: bench/guest/trees.py | $(B)/bench
	$(call say,GEN,$@)python3 -B $< $(B)/bench

$(B)/%: tests/vm/%.c | $(B)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -MMD -MP $< $(ALL_LDFLAGS) -o $@

$(B)/man/%: docs/%.scd
	@mkdir -p $(@D)
	$(call say,MAN,$@)scdoc <$< >$@.new && mv $@.new $@

$(B)/compile_commands.json: $(SOURCES) Makefile $(B)/version.h | $(B)
	@{ echo '['; separator=; for source in $(SOURCES); do \
		printf '%b{"directory": "%s", "file": "%s", "command": "%s"}' "$$separator" '$(CURDIR)' "$$source" \
			'$(CC) $(ALL_CFLAGS) -include $(B)/version.h -c '"$$source"; \
		separator=',\n'; \
	done; printf '\n]\n'; } >$@

$(B) $(B)/bpf $(B)/collector $(B)/oracle $(B)/matrix $(B)/native $(B)/bench:
	@mkdir -p $@

FORCE:
.PHONY: all help deps demo check bench bench-native bench-programs reboots soak faults chaos powercuts mutants unit unit-tests helpers asan lint format install clean compile_commands.json FORCE
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

-include $(wildcard $(B)/*.d $(B)/bpf/*.d $(B)/collector/*.d $(B)/oracle/*.d $(B)/matrix/*.d $(B)/native/*.d $(B)/bench/*.d)
