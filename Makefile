# SPDX-License-Identifier: BSD-2-Clause
# weir: declared names first, rules below. `make help` lists the targets, V=1 shows the commands.

VERSION := 0.1.0
BUILD   ?= build
# One name, whichever way it is given: rules and what .d files say of their targets are the same.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CFLAGS  ?= -O2 -g

PKGS := libndpi libpcap libbpf yaml-0.1 libgcrypt libxxhash libmaxminddb json-c libcurl zlib rdkafka libmicrohttpd \
	libmnl

# Everything but main.c is also linked into the tests and the fuzzers.
SOURCES := $(sort $(wildcard user/*.c))
LIBRARY := $(filter-out user/main.c,$(SOURCES))
UNIT    := $(sort $(wildcard tests/unit/test_*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/fuzz_*.c))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
LIBDIR     ?= $(PREFIX)/lib
PLUGIN_DIR := $(LIBDIR)/weir/plugins
DEFINES  := -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"' -DWEIR_PLUGIN_DIR='"$(PLUGIN_DIR)"'
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# As many jobs as there are processors, unless somebody says how many.
ifeq ($(filter -j%,$(MAKEFLAGS))$(filter --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
endif

.PHONY: all demo test test-kernels bench bench-live bench-ipfix bench-export fuzz install install-config \
	install-systemd uninstall deb test-deb container test-container deps clean help check-format
.DELETE_ON_ERROR:
.SECONDARY:

PLUGINS := $(sort $(wildcard user/plugins/*.c))
plugins = $(patsubst user/plugins/%.c,$(BUILD)/$(1)/%.so,$(PLUGINS))

all: $(BUILD)/weir $(BUILD)/libweir.so $(BUILD)/libweir.a $(call plugins,plugins) ## build the command, the library and the plugins into build/

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

# --- dependencies -------------------------------------------------------------------------------
# The stamp makes a second run cost nothing; tools/install-deps says what it installs.
DEPS := $(BUILD)/.deps
deps: ## install what building and testing need (Debian)
	$(Q)tools/install-deps
	$(Q)mkdir -p $(BUILD) && touch $(DEPS)

$(DEPS): tools/install-deps
	$(Q)tools/install-deps
	$(Q)mkdir -p $(@D) && touch $@

$(BUILD)/ndpi_features.h: tools/ndpi-features | $(DEPS)
	$(call say,PROBE,nDPI)
	$(Q)CC='$(CC)' tools/ndpi-features > $@

# --- the kernel program -----------------------------------------------------------------------------
# v3: atomics with a result and compare-and-swap.
bpf_flags = -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Iinclude -Ibpf \
	-I/usr/include/$(shell uname -m)-linux-gnu

$(BUILD)/bpf/weir.bpf.o: bpf/weir.bpf.c $(wildcard include/meter/*.h bpf/*.h) | $(DEPS)
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_flags) -c $< -o $@

$(BUILD)/weir.skel.h: $(BUILD)/bpf/weir.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name weir_bpf > $@

$(BUILD)/bpf/attribute.bpf.o: bpf/attribute.bpf.c bpf/kernel.bpf.h $(wildcard include/meter/*.h) | $(DEPS)
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_flags) -c $< -o $@

$(BUILD)/attribute.skel.h: $(BUILD)/bpf/attribute.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name attribute_bpf > $@

$(BUILD)/bpf/%.bpf.o: tests/bpf/%.bpf.c $(wildcard include/meter/*.h bpf/*.h tests/bpf/*.h) | $(DEPS)
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_flags) -c $< -o $@

$(BUILD)/live/%.bpf.o: tests/live/%.bpf.c $(wildcard include/meter/*.h tests/live/*.h) | $(DEPS)
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_flags) -c $< -o $@

$(BUILD)/live/%.skel.h: $(BUILD)/live/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BUILD)/bench/live/%.bpf.o: tools/bench/live/%.bpf.c $(wildcard include/meter/*.h bpf/*.[ch] tools/bench/live/*.h) | $(DEPS)
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_flags) -I. -c $< -o $@

skeletons := $(BUILD)/weir.skel.h $(BUILD)/attribute.skel.h

# --- objects: plain and with sanitizers ----------------------------------------------------------
pkg_cflags = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
pkg_libs   = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm
cflags     = -std=gnu11 -MMD -MP $(DEFINES) -Iinclude -Iuser -I$(BUILD) $(pkg_cflags) $(WARNINGS) $(CFLAGS)

objects   = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

$(BUILD)/obj/%.o: %.c $(BUILD)/ndpi_features.h | $(skeletons)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -c $< -o $@

$(BUILD)/san/%.o: %.c $(BUILD)/ndpi_features.h | $(skeletons)
	$(call say,CC-SAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -O1 $(SANITIZE) -c $< -o $@

# Plugins find the API's functions in the command itself.
exports = -Wl,--export-dynamic-symbol='weir_*__*'

$(BUILD)/weir: $(call objects,obj,$(SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(exports) $^ $(pkg_libs) -o $@

$(BUILD)/weir-san: $(call objects,san,$(SOURCES))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(exports) $^ $(pkg_libs) -o $@

# --- the library ---------------------------------------------------------------------------------
# 0: incompatible changes raise it, and the name in libweir.map.
SONAME := libweir.so.0

$(BUILD)/pic/%.o: %.c $(BUILD)/ndpi_features.h | $(skeletons)
	$(call say,CC-PIC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -fPIC -fvisibility=hidden -c $< -o $@

$(BUILD)/$(SONAME): $(call objects,pic,$(LIBRARY)) user/libweir.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=user/libweir.map \
		-Wl,-z,defs $(filter %.o,$^) $(pkg_libs) -o $@

$(BUILD)/libweir.so: $(BUILD)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

# One object, whose only global names are those of the API.
$(BUILD)/libweir.o: $(call objects,pic,$(LIBRARY))
	$(call say,LINK,$@)
	$(Q)$(CC) -r -nostdlib $^ -o $@
	$(Q)objcopy --wildcard --keep-global-symbol='weir_version' --keep-global-symbol='weir_last_error' \
		--keep-global-symbol='weir_counter_name' --keep-global-symbol='weir_streamer__*' \
		--keep-global-symbol='weir_record__*' --keep-global-symbol='weir_flow__*' $@

$(BUILD)/libweir.a: $(BUILD)/libweir.o
	$(Q)rm -f $@ && $(AR) rcs $@ $<

# --- plugins that come with weir: built as anybody's are -----------------------------------------------
plugin_cc = $(CC) -std=c11 -D_GNU_SOURCE -Iinclude $(WARNINGS) $(CFLAGS) -shared -fPIC -fvisibility=hidden
plugin_headers := $(wildcard user/plugins/*.h include/weir/*.h)

$(BUILD)/plugins/%.so: user/plugins/%.c $(plugin_headers)
	$(call say,PLUGIN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(plugin_cc) $(LDFLAGS) $< -lm -o $@

$(BUILD)/plugins-san/%.so: user/plugins/%.c $(plugin_headers)
	$(call say,PLUGIN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(plugin_cc) -O1 $(SANITIZE) $< -lm -o $@

# Several of them in one program of the tests: plugin_NAME instead of weir_plugin.
$(BUILD)/san/user/plugins/%.o $(BUILD)/fuzz-obj/user/plugins/%.o: cflags += -Dweir_plugin=plugin_$(notdir $*)

$(filter $(BUILD)/unit/test_plugin_%,$(UNIT:tests/unit/%.c=$(BUILD)/unit/%)): $(BUILD)/unit/test_plugin_%: $(BUILD)/san/user/plugins/%.o
$(BUILD)/fuzz/fuzz_plugins: $(call objects,fuzz-obj,$(PLUGINS))

# --- unit tests: with sanitizers -------------------------------------------------------------------
$(BUILD)/unit/%: $(BUILD)/san/tests/unit/%.o $(call objects,san,$(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $^ $(pkg_libs) -lcmocka -o $@

# --- races: ThreadSanitizer -------------------------------------------------------------------------
$(BUILD)/tsan/%.o: %.c $(BUILD)/ndpi_features.h | $(skeletons)
	$(call say,CC-TSAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -O1 -fsanitize=thread -c $< -o $@

$(BUILD)/library/two_threads $(BUILD)/library/metrics_threads: $(BUILD)/library/%: $(BUILD)/tsan/tests/library/%.o \
	$(call objects,tsan,$(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fsanitize=thread $^ $(pkg_libs) -lpthread -o $@

# --- plugins of the tests -----------------------------------------------------------------------------
probe_options = $(if $(filter %-two,$(1)),-DPROBE_PACKETS=2) $(if $(filter %-abi,$(1)),-DPROBE_ABI=99) \
	$(if $(filter %-mute,$(1)),-DPROBE_SYMBOL=other)
probes := $(patsubst %,$(BUILD)/library/%.so,probe probe-two probe-abi probe-mute)

$(probes): $(BUILD)/library/%.so: tests/library/probe_plugin.c include/weir/plugin.h include/weir/weir.h
	$(call say,PLUGIN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -Iinclude $(WARNINGS) $(CFLAGS) -shared -fPIC $(call probe_options,$*) $< -o $@

# --- peers of the interoperability tests -----------------------------------------------------------------
$(BUILD)/interop/kafka_mock: tests/interop/kafka_mock.c | $(DEPS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) $(CFLAGS) $< -lrdkafka -o $@

# --- fuzzers: clang's libFuzzer -------------------------------------------------------------------
$(BUILD)/fuzz-obj/%.o: %.c $(BUILD)/ndpi_features.h | $(skeletons)
	$(call say,CC-FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(cflags) -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -c $< -o $@

$(BUILD)/fuzz/%: $(BUILD)/fuzz-obj/tests/fuzz/%.o $(call objects,fuzz-obj,$(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CFLAGS) -fsanitize=fuzzer,address,undefined $^ $(pkg_libs) $(fuzz_libs) -o $@

fixbuf_cflags = $(shell pkg-config --cflags libfixbuf 2>/dev/null)
fixbuf_libs   = $(shell pkg-config --libs libfixbuf 2>/dev/null)
$(BUILD)/fuzz-obj/tests/fuzz/fuzz_ipfix.o: pkg_cflags += $(fixbuf_cflags)
$(BUILD)/fuzz/fuzz_ipfix: fuzz_libs = $(fixbuf_libs)

fuzz_programs := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZERS))

# --- tests inside the kernel ---------------------------------------------------------------------------
$(BUILD)/bpf/parity: $(call objects,san,tests/bpf/parity.c tests/bpf/capture.c)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $^ -lbpf -lpcap -o $@

filter_test := $(addprefix tests/bpf/,filter.c grammar.c packets.c capture.c reference.c) \
	$(addprefix user/,filter.c filter_ebpf.c filter_install.c journal.c log.c)

$(BUILD)/bpf/filter: $(call objects,san,$(filter_test))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $^ -lbpf -lpcap -o $@

$(BUILD)/bpf/storm.bpf.o: $(wildcard bpf/*.c)

# As fast as the product is: the plain objects.
$(BUILD)/bpf/exactness: $(call objects,obj,tests/bpf/exactness.c $(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ $(pkg_libs) -lpthread -o $@

$(BUILD)/bpf/equivalence: $(call objects,obj,tests/bpf/equivalence.c tests/bpf/ethernet.c tests/bpf/capture.c $(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ $(pkg_libs) -o $@

$(BUILD)/bpf/verifier: $(call objects,obj,tests/bpf/verifier.c $(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ $(pkg_libs) -o $@

# --- packets for the live tests ------------------------------------------------------------------------
$(BUILD)/obj/tests/live/flood_xdp.o: $(BUILD)/live/flood.skel.h

$(BUILD)/live/flood: $(call objects,obj,$(sort $(filter-out %.bpf.c,$(wildcard tests/live/flood*.c))))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ -lbpf -o $@

# --- IPFIX, read by others ------------------------------------------------------------------------------
$(BUILD)/interop/ipfix_write $(BUILD)/interop/ipfix_fuzzed: $(BUILD)/interop/%: $(BUILD)/obj/tests/interop/%.o $(call objects,obj,$(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ $(pkg_libs) -o $@

$(BUILD)/interop/fixbuf_read: tests/interop/fixbuf_read.c tests/interop/fixbuf.h | $(DEPS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) $(CFLAGS) $< $(fixbuf_cflags) $(fixbuf_libs) -o $@

# --- the live bench ---------------------------------------------------------------------------------
$(BUILD)/bench/live/ns: $(call objects,obj,tools/bench/live/ns.c tools/bench/live/ns_case.c)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ -lbpf -o $@

$(BUILD)/bench/live/messages: $(call objects,obj,tools/bench/live/messages.c)
$(BUILD)/bench/live/toggle: $(call objects,obj,tools/bench/live/toggle.c)
$(BUILD)/bench/live/messages $(BUILD)/bench/live/toggle:
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ -lbpf -o $@

# --- what people call -------------------------------------------------------------------------------
demo: $(BUILD)/weir ## show the flows of a recorded capture, then live ones
	$(Q)tools/demo $(BUILD)/weir

test_programs := $(BUILD)/weir $(BUILD)/weir-san $(BUILD)/libweir.so $(BUILD)/libweir.a $(BUILD)/bpf/parity $(BUILD)/bpf/parity.bpf.o \
	$(BUILD)/bpf/verifier $(BUILD)/bpf/equivalence $(BUILD)/bpf/exactness $(BUILD)/bpf/storm.bpf.o \
	$(BUILD)/bpf/filter $(BUILD)/bpf/filter.bpf.o \
	$(BUILD)/live/flood $(BUILD)/live/tally.bpf.o $(BUILD)/live/count.bpf.o \
	$(addprefix $(BUILD)/library/,two_threads metrics_threads) $(probes) $(call plugins,plugins) $(call plugins,plugins-san) \
	$(addprefix $(BUILD)/interop/,kafka_mock ipfix_write ipfix_fuzzed fixbuf_read) \
	$(fuzz_programs) $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT))

test: $(test_programs) ## run every test
	$(Q)BUILD=$(BUILD) tests/run

test-kernels: $(addprefix $(BUILD)/,weir bpf/parity bpf/parity.bpf.o bpf/verifier bpf/exactness bpf/storm.bpf.o) ## run the kernel tests on Debian's 6.1 and 6.12 in QEMU
	$(Q)BUILD=$(BUILD) tests/kernels/run

$(BUILD)/bench/iterate: tools/bench/iterate.c $(BUILD)/libweir.so
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Iinclude $(WARNINGS) $(CFLAGS) $< -L$(BUILD) -lweir -Wl,-rpath,'$$ORIGIN/..' -o $@

$(BUILD)/bench/ipfix_rate: $(call objects,obj,tools/bench/ipfix_rate.c $(LIBRARY))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $^ $(pkg_libs) $(fixbuf_libs) -o $@

$(BUILD)/obj/tools/bench/ipfix_rate.o: pkg_cflags += $(fixbuf_cflags)

bench-ipfix: $(BUILD)/bench/ipfix_rate ## measure the IPFIX encoder next to libfixbuf
	$(Q)$(BUILD)/bench/ipfix_rate

bench: $(BUILD)/weir $(addprefix $(BUILD)/,bench/iterate bench/ipfix_rate interop/kafka_mock) ## measure weir next to its peers, and its exporters
	$(Q)BUILD=$(BUILD) tools/bench/run
	$(Q)BUILD=$(BUILD) tools/bench/export

bench-export: $(BUILD)/weir $(addprefix $(BUILD)/,bench/ipfix_rate interop/kafka_mock) ## measure the exporters alone
	$(Q)BUILD=$(BUILD) tools/bench/export

bench-live: $(BUILD)/weir $(BUILD)/live/flood $(patsubst %,$(BUILD)/bench/live/%,ns messages toggle floors.bpf.o weirbench.bpf.o) ## measure weir on an interface (root)
	$(Q)BUILD=$(BUILD) tools/bench/live/run

FUZZ_SECONDS ?= 600
fuzz: $(fuzz_programs) ## run each fuzzer for FUZZ_SECONDS (600)
	$(Q)BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run

check-format: | $(DEPS) ## check the layout of the C files
	$(Q)tests/check-format

# --- installing -------------------------------------------------------------------------------------
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions

$(BUILD)/completions/%: $(BUILD)/weir
	$(Q)mkdir -p $(@D)
	$(Q)$(BUILD)/weir completions $* > $@

prefix_dir = $(DESTDIR)$(PREFIX)
lib_dir    = $(DESTDIR)$(LIBDIR)
install: all $(addprefix $(BUILD)/completions/,bash zsh fish) ## install into DESTDIR and PREFIX
	install -D -m 755 $(BUILD)/weir $(prefix_dir)/bin/weir
	install -D -m 755 $(BUILD)/$(SONAME) $(lib_dir)/$(SONAME)
	ln -sf $(SONAME) $(lib_dir)/libweir.so
	install -D -m 644 $(BUILD)/libweir.a $(lib_dir)/libweir.a
	mkdir -p $(lib_dir)/pkgconfig
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(pkg_libs)|' \
		user/weir.pc.in > $(lib_dir)/pkgconfig/weir.pc
	install -D -m 644 -t $(prefix_dir)/include/weir include/weir/weir.h include/weir/plugin.h
	install -D -m 755 -t $(DESTDIR)$(PLUGIN_DIR) $(call plugins,plugins)
	install -D -m 644 user/man/weir.8 $(prefix_dir)/share/man/man8/weir.8
	install -D -m 644 user/man/weir-plugins.7 $(prefix_dir)/share/man/man7/weir-plugins.7
	install -D -m 644 $(BUILD)/completions/bash $(prefix_dir)/share/bash-completion/completions/weir
	install -D -m 644 $(BUILD)/completions/zsh $(DESTDIR)$(ZSH_COMPLETIONS)/_weir
	install -D -m 644 $(BUILD)/completions/fish $(prefix_dir)/share/fish/vendor_completions.d/weir.fish

DEPLOY := tools/deploy
places = sed -e 's|/usr/bin/weir|$(PREFIX)/bin/weir|' -e 's|/usr/libexec/weir/|$(PREFIX)/libexec/weir/|'

install-config: # what units of systemd run, and /etc/weir
	install -D -m 755 $(DEPLOY)/systemd/stopped $(prefix_dir)/libexec/weir/stopped
	$(places) $(DEPLOY)/systemd/stopped > $(prefix_dir)/libexec/weir/stopped
	[ -e $(DESTDIR)/etc/weir/weir.yaml ] || install -D -m 644 $(DEPLOY)/systemd/weir.yaml $(DESTDIR)/etc/weir/weir.yaml

install-systemd: install install-config ## install, with units of systemd
	mkdir -p $(prefix_dir)/lib/systemd/system
	for unit in weir.service weir@.service; do \
		$(places) $(DEPLOY)/systemd/$$unit > $(prefix_dir)/lib/systemd/system/$$unit || exit 1; done
	install -D -m 644 $(DEPLOY)/systemd/sysusers.conf $(prefix_dir)/lib/sysusers.d/weir.conf
	install -D -m 644 $(DEPLOY)/systemd/logrotate $(DESTDIR)/etc/logrotate.d/weir

deb: | $(DEPS) ## build the Debian packages into build/deb/
	$(Q)tools/install-deps deploy
	$(Q)$(DEPLOY)/debian/build $(BUILD)/deb

test-deb: deb ## install, run, upgrade and remove the packages in a Debian of their own (root)
	$(Q)BUILD=$(BUILD) tests/deploy/packages.py

container: ## build the container image into build/container/ (root)
	$(Q)tools/install-deps deploy
	$(Q)$(DEPLOY)/container/build $(BUILD)/container

test-container: $(BUILD)/weir container ## run the image under podman and containerd with each row of capabilities (root)
	$(Q)BUILD=$(BUILD) tests/deploy/containers.py

uninstall: ## remove what install put there
	rm -f $(prefix_dir)/bin/weir $(lib_dir)/$(SONAME) $(lib_dir)/libweir.so \
		$(lib_dir)/libweir.a $(lib_dir)/pkgconfig/weir.pc \
		$(prefix_dir)/share/bash-completion/completions/weir $(DESTDIR)$(ZSH_COMPLETIONS)/_weir \
		$(prefix_dir)/share/fish/vendor_completions.d/weir.fish \
		$(prefix_dir)/share/man/man8/weir.8 $(prefix_dir)/share/man/man7/weir-plugins.7 \
		$(patsubst user/plugins/%.c,$(DESTDIR)$(PLUGIN_DIR)/%.so,$(PLUGINS))
	rm -f $(prefix_dir)/lib/systemd/system/weir.service $(prefix_dir)/lib/systemd/system/weir@.service \
		$(prefix_dir)/lib/sysusers.d/weir.conf $(DESTDIR)/etc/logrotate.d/weir
	rm -rf $(prefix_dir)/include/weir $(prefix_dir)/libexec/weir

clean: ## remove the build
	rm -rf $(BUILD)

others = -path $(BUILD)/deb -o -path $(BUILD)/container -o -path $(BUILD)/npm
-include $(shell find $(BUILD) \( $(others) \) -prune -o -type f -name '*.d' -print 2>/dev/null)
