# make build   the library, the command and the simulated driver
# make test    everything CI runs
# make demo    a neighbour saved by a quota, on the simulated card
# make bench   what interception costs, as a table
# make install PREFIX=/usr/local

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
CARGO ?= cargo
OUT := target/release

.PHONY: build test demo bench install lint clean

build:
	$(CARGO) build --release --locked --workspace
	sh sim/link.sh $(OUT)/sim $(OUT)/libcuota_sim.a

test: build
	bash tests/run

demo: build
	$(OUT)/cuota demo

bench: build
	bash bench/run

install: build
	install -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include
	install -m 755 $(OUT)/libcuota.so $(DESTDIR)$(LIBDIR)/libcuota.so
	install -m 755 $(OUT)/cuota $(DESTDIR)$(PREFIX)/bin/cuota
	install -m 644 include/cuota.h $(DESTDIR)$(PREFIX)/include/cuota.h

lint:
	bash tests/lint

clean:
	$(CARGO) clean
