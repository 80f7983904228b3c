# gantry: the command line.  TLS and archive libraries are loaded when asked for,
# so they are compiled against and not linked.
noinst_LIBRARIES += cli/libcli.a
cli_libcli_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(ARCHIVE_CFLAGS) \
	-DLIBEXECDIR='"$(pkglibexecdir)"'
cli_libcli_a_SOURCES = \
	cli/api.c cli/api.h cli/cli.c cli/cli.h cli/command.h cli/help.c \
	cli/man.c cli/man.h cli/parse.c cli/image_name.c cli/image_name.h \
	cli/archive/archive.c cli/archive/archive.h \
	cli/client/client.c cli/client/client.h \
	cli/client/http.c cli/client/http.h \
	cli/client/inprocess.c cli/client/remote.c \
	cli/client/stream.c cli/client/stream.h \
	cli/client/tls.c cli/client/tls.h \
	cli/commands/commands.h cli/commands/container.h \
	cli/commands/cp.c cli/commands/df.c cli/commands/doctor.c cli/commands/events.c \
	cli/commands/exec.c cli/commands/package.c cli/commands/plugin.c \
	cli/commands/plugin_author.c cli/commands/plugin_new.c cli/commands/policy.c \
	cli/commands/checkpoint.c \
	cli/commands/cp.c cli/commands/package.c cli/commands/plugin.c cli/commands/plugin_ls.c cli/commands/plugin_time.h cli/commands/plugin_author.c cli/commands/plugin_new.c cli/commands/policy.c cli/commands/doctor.c cli/commands/events.c cli/commands/exec.c \
	cli/commands/cp.c cli/commands/policy.c cli/commands/doctor.c cli/commands/events.c cli/commands/exec.c \
	cli/commands/generate.c \
	cli/commands/image.c cli/commands/images.c \
	cli/commands/inspect.c cli/commands/inspect.h \
	cli/commands/lifecycle.c cli/commands/list.c cli/commands/list.h \
	cli/commands/login.c cli/commands/logs.c cli/commands/look.c cli/commands/network.c \
	cli/commands/ports.c cli/commands/ports.h cli/commands/prune.c cli/commands/ps.c \
	cli/commands/pull.c cli/commands/root.c cli/commands/rows.h cli/commands/run.c cli/commands/session.c \
	cli/commands/start.c cli/commands/stats.c cli/commands/system.c \
	cli/commands/transfer.c cli/commands/transfer.h \
	cli/commands/version.c cli/commands/volume.c \
	cli/config/base64.c cli/config/base64.h \
	cli/config/config.c cli/config/config.h cli/config/credentials.c \
	cli/format/eval.c cli/format/functions.c cli/format/functions.h \
	cli/format/lexer.c cli/format/lexer.h cli/format/list.c cli/format/list.h \
	cli/format/node.h cli/format/parser.c cli/format/printf.c cli/format/printf.h \
	cli/format/table.c cli/format/table.h cli/format/template.h \
	cli/format/value.c cli/format/value.h \
	cli/options/container.c cli/options/devices.c cli/options/env.c cli/options/flags.h \
	cli/options/mounts.c cli/options/networks.c cli/options/options.h \
	cli/options/ports.c cli/options/resources.c \
	cli/terminal/attach.c cli/terminal/attach.h \
	cli/terminal/progress.c cli/terminal/progress.h \
	cli/terminal/terminal.c cli/terminal/terminal.h \
	cli/text/units.c cli/text/units.h \
	cli/units/unit.c cli/units/unit.h

CLI_LIBS = cli/libcli.a $(CORE_LIBS) -lm

bin_PROGRAMS += gantry
gantry_SOURCES = cli/main.c
gantry_LDADD = $(CLI_LIBS)

# A systemd generator; it is linked into the folders in which systemd looks.
pkglibexec_PROGRAMS += gantry-generator
gantry_generator_SOURCES = cli/units/generator.c cli/units/unit.c cli/units/unit.h
gantry_generator_CPPFLAGS = $(AM_CPPFLAGS) -DBINDIR='"$(bindir)"'
gantry_generator_LDADD = $(HELPERS)

# Manual pages and completions come from the command tables.
CLI_GENERATED = cli/generated/gantry.bash cli/generated/_gantry cli/generated/gantry.fish
all-local: cli/generated/man.stamp
CLEANFILES += $(CLI_GENERATED) cli/generated/man.stamp cli/generated/*.1

cli/generated/man.stamp: gantry$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && rm -f $(@D)/*.1 && \
	for page in `./gantry --print list`; do \
		./gantry --print man:$$page > $(@D)/$$page.1 || exit 1; \
	done && \
	./gantry --print bash > $(@D)/gantry.bash && \
	./gantry --print zsh > $(@D)/_gantry && \
	./gantry --print fish > $(@D)/gantry.fish && touch $@

climandir = $(mandir)/man1
bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
fishcompdir = $(datadir)/fish/vendor_completions.d

install-data-local: cli/generated/man.stamp
	$(MKDIR_P) $(DESTDIR)$(climandir) $(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir) \
		$(DESTDIR)$(fishcompdir)
	$(INSTALL_DATA) cli/generated/*.1 $(DESTDIR)$(climandir)
	$(INSTALL_DATA) cli/generated/gantry.bash $(DESTDIR)$(bashcompdir)/gantry
	$(INSTALL_DATA) cli/generated/_gantry $(DESTDIR)$(zshcompdir)
	$(INSTALL_DATA) cli/generated/gantry.fish $(DESTDIR)$(fishcompdir)
	for kind in system user; do \
		$(MKDIR_P) $(DESTDIR)$(prefix)/lib/systemd/$$kind-generators && \
		ln -sf $(pkglibexecdir)/gantry-generator \
			$(DESTDIR)$(prefix)/lib/systemd/$$kind-generators/gantry-generator || exit 1; \
	done

uninstall-local:
	for page in cli/generated/*.1; do rm -f $(DESTDIR)$(climandir)/`basename $$page`; done
	rm -f $(DESTDIR)$(bashcompdir)/gantry $(DESTDIR)$(zshcompdir)/_gantry \
		$(DESTDIR)$(fishcompdir)/gantry.fish \
		$(DESTDIR)$(prefix)/lib/systemd/system-generators/gantry-generator \
		$(DESTDIR)$(prefix)/lib/systemd/user-generators/gantry-generator
