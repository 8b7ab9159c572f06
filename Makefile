# make         build/tidegate (release)         make run    build, then the demo
# make test    units (ASan, UBSan), scenarios   make lint   format, layers, headers
# make asan    build/asan/tidegate              make bench  beside the peers
# make replay  a real day of traffic through a running tidegate
SHELL := /bin/bash
B ?= build

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CC ?= gcc
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wswitch-enum -Wimplicit-fallthrough -Werror
BASE := -std=c11 -D_GNU_SOURCE -I. -pthread -fno-strict-aliasing $(WARN)
REL  := -O2 -g -flto=auto -fno-semantic-interposition -fstack-protector-strong \
        -fstack-clash-protection -D_FORTIFY_SOURCE=2 -fPIE
SAN  := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LIBS := -levent_core -levent_extra -ljansson -lfyaml -llmdb -lcares -lz -lm
LDREL := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed

SRC  := $(sort $(wildcard base/*.c conf/*.c proxy/*.c proxy/*/*.c profiler/*.c profiler/*/*.c \
                          scaler/*.c scaler/*/*.c app/*.c app/*/*.c))
HDR  := $(sort $(wildcard base/*.h conf/*.h proxy/*.h proxy/*/*.h profiler/*.h profiler/*/*.h \
                          scaler/*.h scaler/*/*.h app/*.h app/*/*.h))
LIBSRC := $(filter-out app/main.c,$(SRC))
UNIT := $(sort $(wildcard tests/unit/*/*_test.c tests/unit/*/*/*_test.c))
FUZZ := $(sort $(wildcard tests/fuzz/*_fuzz.c))
TOOLSRC := $(sort $(wildcard tests/tools/*.c docker/sample-service/*.c))

OBJ  := $(SRC:%.c=$(B)/rel/%.o)
AOBJ := $(SRC:%.c=$(B)/asan/%.o)
UOBJ := $(LIBSRC:%.c=$(B)/asan/%.o) $(UNIT:%.c=$(B)/asan/%.o)

.PHONY: all asan run test unit scenario corpus lint bench replay clean deps docs tools
all: $(B)/tidegate tools

# ---- release ----
$(B)/tidegate: $(OBJ)
	@echo "  LINK  $@"; $(CC) $(BASE) $(REL) $(LDREL) -o $@ $(OBJ) $(LIBS)
$(B)/rel/%.o: %.c $(B)/flags
	@mkdir -p $(@D); echo "  CC    $<"; $(CC) $(BASE) $(REL) $(DEFS) -MMD -MP -c -o $@ $<

# ---- ASan + UBSan ----
asan: $(B)/asan/tidegate
$(B)/asan/tidegate: $(AOBJ)
	@echo "  LINK  $@"; $(CC) $(BASE) $(SAN) -o $@ $(AOBJ) $(LIBS)
$(B)/asan/%.o: %.c $(B)/flags
	@mkdir -p $(@D); echo "  CC    $< (asan)"; $(CC) $(BASE) $(SAN) $(DEFS) -MMD -MP -c -o $@ $<

# Rebuild when a flag changes; the version only touches the file that shows it.
$(B)/flags: Makefile
	@mkdir -p $(@D); touch $@
$(B)/rel/app/version.o $(B)/asan/app/version.o: DEFS = -DTIDEGATE_VERSION='"$(VERSION)"'
-include $(OBJ:.o=.d) $(AOBJ:.o=.d) $(UNIT:%.c=$(B)/asan/%.d)

# ---- tests ----
$(B)/unit: $(UOBJ)
	@echo "  LINK  $@"; $(CC) $(BASE) $(SAN) -o $@ $(UOBJ) $(LIBS) -lcriterion
unit: $(B)/unit
	$(B)/unit --verbose=0
objs: $(OBJ)
.PHONY: objs

clean:
	rm -rf $(B)
