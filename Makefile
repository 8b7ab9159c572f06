# make         build/tidegate (release)         make run    build, then the demo
# make test    lint, units, corpora, scenarios  make lint   format, layers, headers
# make asan    build/asan/tidegate              make docs   what is generated from tables
# make format  as lint wants it
# make bench   beside the peers                 make replay a real day of traffic
# make fuzz F=stem S=60                         one fuzzer by hand (clang)
#
# `run`, `test`, `bench` and `replay` first install the Debian packages they miss
# (docker/packages.txt; as root or through sudo).  `make deps` does only that.
SHELL := /bin/bash
B ?= build
JOBS ?= $(shell nproc)
DATA ?= ../shared/data
BENCH ?= ../shared/bench
PYTHON := /usr/bin/python3

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CC := gcc
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wswitch-enum -Wimplicit-fallthrough -Werror
BASE := -std=c11 -D_GNU_SOURCE -I. -pthread -fno-strict-aliasing $(WARN)
REL  := -O2 -g -flto=auto -fno-semantic-interposition -fstack-protector-strong \
        -fstack-clash-protection -D_FORTIFY_SOURCE=2 -fPIE
SAN  := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LIBS := -levent_core -levent_extra -ljansson -lfyaml -llmdb -lcares -lssl -lcrypto -lcrypt -lz \
        -lbrotlienc -lzstd -lnghttp2 -lm
LDREL := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed

SRC  := $(sort $(wildcard base/*.c conf/*.c proxy/*.c proxy/*/*.c profiler/*.c profiler/*/*.c \
                          scaler/*.c scaler/*/*.c app/*.c app/*/*.c))
HDR  := $(sort $(wildcard base/*.h conf/*.h proxy/*.h proxy/*/*.h profiler/*.h profiler/*/*.h \
                          scaler/*.h scaler/*/*.h app/*.h app/*/*.h tests/tools/*/*.h docker/*/*.h))
LIBSRC := $(filter-out app/main.c,$(SRC))
UNIT := $(sort $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
# peer_fuzz compares with a library that a test machine has, and others need not.
FUZZ := $(filter-out $(if $(wildcard /usr/include/http_parser.h),,tests/fuzz/peer_fuzz.c),\
                     $(sort $(wildcard tests/fuzz/*_fuzz.c)))
FUZZLIBS = $(LIBS) $(if $(filter peer,$(1)),-lhttp_parser)
GENSRC := $(sort $(wildcard tests/tools/trafficgen/*.c)) base/check.c base/clock.c base/hist.c base/map.c \
          base/mem.c base/rng.c
SAMPLESRC := $(sort $(wildcard docker/sample-service/*.c))
TOOLS := $(B)/sample-service $(B)/trafficgen $(B)/countalloc.so

OBJ  := $(SRC:%.c=$(B)/rel/%.o)
AOBJ := $(SRC:%.c=$(B)/asan/%.o)
UOBJ := $(UNIT:%.c=$(B)/asan/%.o)
GOBJ := $(GENSRC:%.c=$(B)/rel/%.o)
SAMPLEOBJ := $(SAMPLESRC:%.c=$(B)/rel/%.o)
REPLAYS := $(FUZZ:tests/fuzz/%_fuzz.c=$(B)/corpus/%)

# A recursive make works on all cores unless the caller already said how many.
PAR = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
SUB = @$(MAKE) --no-print-directory $(PAR)
# Make forgets nothing between targets that a failed command half wrote.
.DELETE_ON_ERROR:

.PHONY: all asan run test unit scenario corpus fuzz lint bench replay clean deps docs tools objs \
        format test-parts microbench
all: $(B)/tidegate tools

deps:
	@docker/packages.sh build run test

# ---- release ----
$(B)/tidegate: $(OBJ)
	@echo "  LINK  $@"; $(CC) $(BASE) $(REL) $(LDREL) -o $@ $(OBJ) $(LIBS)
$(B)/rel/%.o: %.c $(B)/flags
	@mkdir -p $(@D); echo "  CC    $<"; $(CC) $(BASE) $(REL) $(DEFS) -MMD -MP -c -o $@ $<
objs: $(OBJ)

# ---- ASan + UBSan ----
asan: $(B)/asan/tidegate
$(B)/asan/tidegate: $(AOBJ)
	@echo "  LINK  $@"; $(CC) $(BASE) $(SAN) -o $@ $(AOBJ) $(LIBS)
$(B)/asan/%.o: %.c $(B)/flags
	@mkdir -p $(@D); echo "  CC    $< (asan)"; $(CC) $(BASE) $(SAN) $(DEFS) -MMD -MP -c -o $@ $<
$(B)/asan/lib.a: $(LIBSRC:%.c=$(B)/asan/%.o)
	@rm -f $@; ar rc $@ $^

# Rebuild when a flag changes; the version only touches the file that shows it.
$(B)/flags: Makefile
	@mkdir -p $(@D); touch $@
$(B)/rel/app/version.o $(B)/asan/app/version.o: DEFS = -DTIDEGATE_VERSION='"$(VERSION)"'
$(B)/rel/app/version.o $(B)/asan/app/version.o: $(B)/version
$(B)/version: FORCE
	@mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
FORCE:
$(B)/rel/app/admin/page.o $(B)/asan/app/admin/page.o: app/admin/page.html
-include $(OBJ:.o=.d) $(AOBJ:.o=.d) $(UOBJ:.o=.d) $(GOBJ:.o=.d) $(SAMPLEOBJ:.o=.d) \
         $(FUZZ:%.c=$(B)/asan/%.d)

# ---- what the demo, the scenarios and the benches use ----
tools: $(TOOLS)
$(B)/sample-service: $(SAMPLEOBJ)
	@echo "  LINK  $@"; $(CC) $(BASE) $(REL) $(LDREL) -o $@ $^
$(B)/countalloc.so: tests/tools/preload/countalloc.c $(B)/flags
	@echo "  LINK  $@"; $(CC) $(BASE) -O2 -fPIC -shared -o $@ $< -ldl
$(B)/trafficgen: $(GOBJ)
	@echo "  LINK  $@"; $(CC) $(BASE) $(REL) $(LDREL) -o $@ $^ -ljansson -lz -lm

# ---- tests ----
test: deps
	$(SUB) lint test-parts
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory corpus
	@$(MAKE) --no-print-directory scenario
test-parts: all $(B)/unit $(REPLAYS)

$(B)/unit: $(UOBJ) $(B)/asan/lib.a
	@echo "  LINK  $@"; $(CC) $(BASE) $(SAN) -o $@ $(UOBJ) $(B)/asan/lib.a $(LIBS) -lcriterion -lbrotlidec
unit: $(B)/unit
	$(B)/unit --verbose=0

# Each fuzzer without a fuzzer: its corpus, once, under the sanitizers.
$(B)/corpus/%: $(B)/asan/tests/fuzz/%_fuzz.o $(B)/asan/tests/fuzz/replay.o $(B)/asan/lib.a
	@mkdir -p $(@D); echo "  LINK  $@"; $(CC) $(BASE) $(SAN) -o $@ $^ $(call FUZZLIBS,$*)
corpus: $(REPLAYS)
	@for r in $(REPLAYS); do $$r tests/fuzz/corpus/$${r##*/} || exit 1; done

scenario: all
	$(PYTHON) -m pytest -q tests/scenario $(PYTEST)

FORMATTED := $(SRC) $(HDR) $(UNIT) $(FUZZ) \
             $(wildcard tests/fuzz/replay.c tests/unit/*.h tests/unit/*/*/*.h tests/bench/*.c \
                        tests/tools/*/*.c docker/*/*.c)
lint:
	@$(PYTHON) tests/lint/layers.py
	@tests/lint/syntax.sh
	@for h in $(HDR); do $(CC) $(BASE) -fsyntax-only -include $$h -x c /dev/null || \
	    { echo "$$h does not compile alone"; exit 1; }; done
	@clang-format --dry-run -Werror $(FORMATTED) 2>&1 | { grep ' error: ' && exit 1 || exit 0; }
	@echo "lint: clean"
format:
	@clang-format -i $(FORMATTED)

# ---- by hand ----
F ?= $(firstword $(FUZZ:tests/fuzz/%_fuzz.c=%))
S ?= 60
FUZZFLAGS := -std=c11 -D_GNU_SOURCE -I. -O1 -g -fsanitize=fuzzer,address,undefined
fuzz:
	@mkdir -p $(B)/fuzz/$(F)
	clang $(FUZZFLAGS) -o $(B)/fuzz/$(F)_fuzz tests/fuzz/$(F)_fuzz.c $(LIBSRC) $(call FUZZLIBS,$(F))
	$(B)/fuzz/$(F)_fuzz -max_total_time=$(S) $(B)/fuzz/$(F) tests/fuzz/corpus/$(F)

run: deps
	$(SUB) all
	@exec $(PYTHON) tests/tools/demo.py

replay: deps
	$(SUB) all
	@TIDEGATE_DATA=$(DATA) $(PYTHON) tests/tools/replay_day.py

bench:
	@if [ -x "$(BENCH)/run" ]; then docker/packages.sh build bench && \
	    $(MAKE) --no-print-directory $(PAR) all && \
	    PATH="$(abspath $(B)):$$PATH" $(BENCH)/run --add $(CURDIR)/tests/bench/tidegate.proxy $(ARGS); \
	else echo "make bench: no benchmark at $(BENCH); give its folder as BENCH=dir"; fi

# The codecs alone: one JSON line each, nanoseconds.
$(B)/h1_bench: $(patsubst %,$(B)/rel/%.o,tests/bench/h1_bench proxy/lex proxy/msg proxy/uri \
                 proxy/hop proxy/h1/head proxy/h1/facts proxy/h1/chunk proxy/h1/emit \
                 base/addr base/rc base/check base/log base/clock base/mem)
	@echo "  LINK  $@"; $(CC) $(BASE) $(REL) $(LDREL) -o $@ $^
microbench: $(B)/h1_bench
	@$<

docs: $(B)/tidegate
	$(B)/tidegate docs config > docs/configuration.md
	$(B)/tidegate schema > docs/tidegate.schema.json

clean:
	rm -rf $(B)
