# make build   the library, the command and the simulated driver
# make test    everything CI runs
# make demo    a neighbour saved by a quota, on the simulated card
# make bench   what interception costs, as a table
# make install PREFIX=/usr/local

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
SHARE := $(PREFIX)/share
BASH_COMPLETIONS := $(SHARE)/bash-completion/completions
ZSH_COMPLETIONS := $(SHARE)/zsh/site-functions
FISH_COMPLETIONS := $(SHARE)/fish/vendor_completions.d
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
	umask 022 && $(OUT)/cuota man --to $(DESTDIR)$(SHARE)/man/man1
	install -d $(DESTDIR)$(BASH_COMPLETIONS) $(DESTDIR)$(ZSH_COMPLETIONS) $(DESTDIR)$(FISH_COMPLETIONS)
	umask 022 && $(OUT)/cuota completions bash > $(DESTDIR)$(BASH_COMPLETIONS)/cuota
	umask 022 && $(OUT)/cuota completions zsh > $(DESTDIR)$(ZSH_COMPLETIONS)/_cuota
	umask 022 && $(OUT)/cuota completions fish > $(DESTDIR)$(FISH_COMPLETIONS)/cuota.fish

lint:
	bash tests/lint

clean:
	$(CARGO) clean
