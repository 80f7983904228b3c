/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-plugin-check: the conformance suite of a kind against one driver, for
 * `gantry plugin check`.  A program of its own, since what it loads is not trusted to
 * leave its process whole.  As root it works in mount, network and IPC namespaces
 * of its own, so that nothing of a test is seen outside.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "conformance/result.h"
#include "conformance/suite.h"
#include "core/plugincheck/subject.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define SETTINGS_MAX 32

struct options {
	struct subject_options subject;
	struct suite_options suite;
	const char *format;
	const char *output;
	const char *settings[SETTINGS_MAX + 1];
	unsigned n_settings;
	int verbose, valgrind;
	char **argv;
	char *title; /* the report's subject, owned */
};

enum { OPT_DRIVER = 256, OPT_ISOLATION, OPT_CONFIG, OPT_SET, OPT_FORMAT, OPT_ONLY, OPT_TIMEOUT, OPT_QUICK,
       OPT_VALGRIND, OPT_AS };

static const struct option long_options[] = {
	{ "driver", required_argument, NULL, OPT_DRIVER },
	{ "as", required_argument, NULL, OPT_AS },
	{ "isolation", required_argument, NULL, OPT_ISOLATION },
	{ "driver-config", required_argument, NULL, OPT_CONFIG },
	{ "set", required_argument, NULL, OPT_SET },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "only", required_argument, NULL, OPT_ONLY },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "valgrind", no_argument, NULL, OPT_VALGRIND },
	{ "output", required_argument, NULL, 'o' },
	{ "verbose", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

static int usage(void)
{
	fputs("usage: gantry-plugin-check [--driver KIND/NAME] [--as NAME] [--isolation none|process]\n"
	      "       [--driver-config FILE] [--set KEY=VALUE]... [--format text|tap|junit] [-o FILE] [--only TEXT] [--timeout SECONDS]\n"
	      "       [--quick] [--valgrind] [-v] PATH\n", stderr);
	return 2;
}

static int read_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "o:v", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_DRIVER:
			o->subject.driver = optarg;
			break;
		case OPT_AS:
			o->subject.instance = optarg;
			break;
		case OPT_ISOLATION:
			o->subject.isolation = optarg;
			break;
		case OPT_CONFIG:
			o->subject.config_file = optarg;
			break;
		case OPT_SET:
			if (o->n_settings == SETTINGS_MAX || !strchr(optarg, '=')) {
				return -1;
			}
			o->settings[o->n_settings++] = optarg;
			break;
		case OPT_FORMAT:
			o->format = optarg;
			break;
		case OPT_ONLY:
			o->suite.only = optarg;
			break;
		case OPT_TIMEOUT:
			o->suite.timeout_s = atoi(optarg);
			break;
		case OPT_QUICK:
			o->suite.quick = 1;
			break;
		case OPT_VALGRIND:
			o->valgrind = 1;
			break;
		case 'o':
			o->output = optarg;
			break;
		case 'v':
			o->verbose = 1;
			break;
		default:
			return -1;
		}
	}
	o->subject.path = argv[optind];
	o->subject.settings = o->settings;
	return argc == optind + 1 && o->suite.timeout_s > 0 &&
			       (!strcmp(o->format, "text") || !strcmp(o->format, "tap") || !strcmp(o->format, "junit"))
		       ? 0 : -1;
}

/* A driver may crash the process that loads it; the first load is a child's. */
static int survives_loading(const struct options *o, struct kit_report *report)
{
	struct kit_outcome *outcome = report_add(report, "load");
	auto_(buf) struct buf text = BUF_INIT;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return 0;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		struct subject *s;
		int r = subject_new(&o->subject, &s, &err);

		if (r < 0) {
			dprintf(ends[1], "%s\n%s%s", err.message, err.hint, *err.hint ? "\n" : "");
		}
		if (r == 0) {
			subject_free(s);
		}
		_exit(r < 0 ? 1 : 0);
	}
	close(ends[1]);
	(void)read_to_end(ends[0], &text, 1 << 16);
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (status == 0) {
		return 1;
	}
	outcome->status = KIT_FAILED;
	buf_adds(&outcome->text, buf_str(&text));
	if (WIFSIGNALED(status)) {
		buf_addf(&outcome->text, "loading it crashed: signal %d (%s)\n", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	}
	return 0;
}

static void check_manifest(const struct subject *subject, struct kit_report *report)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct kit_outcome *outcome = report_add(report, "manifest");

	if (subject_check_manifest(subject, &err) < 0) {
		outcome->status = err.code == GANTRY_ERR_NOT_FOUND ? KIT_SKIPPED : KIT_FAILED;
		buf_addf(&outcome->text, "%s\n", err.message);
	}
}

/* The same program on the same driver, in a life under valgrind. */
static void run_valgrind(const struct options *o, struct kit_report *report)
{
	struct kit_outcome *outcome = report_add(report, "memory under valgrind");
	auto_(buf) struct buf text = BUF_INIT;
	char self[PATH_MAX] = "";
	int ends[2], status = 0;
	pid_t pid;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		return;
	}
	pid = fork();
	if (pid == 0) {
		const char *const argv[] = {
			"valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds=definite",
			"--show-leak-kinds=definite", "--error-exitcode=99", "--trace-children=no", "--child-silent-after-fork=no",
			self, "--quick", "--only", "life", "--timeout", "300",
			o->subject.driver ? "--driver" : "--quick", o->subject.driver ? o->subject.driver : "--quick",
			"--isolation", "none", o->subject.path, NULL,
		};

		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execvp("valgrind", (char *const *)(uintptr_t)argv);
		dprintf(2, "valgrind cannot be run: %s\n", strerror(errno));
		_exit(77);
	}
	close(ends[1]);
	(void)read_to_end(ends[0], &text, 1 << 20);
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (status != 0) {
		outcome->status = WIFEXITED(status) && WEXITSTATUS(status) == 77 ? KIT_SKIPPED : KIT_FAILED;
		buf_adds(&outcome->text, buf_str(&text));
	}
}

/* Namespaces in which nothing that a test makes is anybody else's. */
static void leave_the_host(const struct kit_subject *subject)
{
	const char *network = kit_setting(subject, "network");
	int flags = CLONE_NEWNS | CLONE_NEWIPC;

	if (geteuid() != 0) {
		return;
	}
	/* A transport speaks to a registry that the caller named; another driver's server
	 * may be the host's, too: --set network=host. */
	flags |= strcmp(subject->iface->kind, "transport") != 0 && !(network && !strcmp(network, "host"))
			 ? CLONE_NEWNET
			 : 0;
	if (unshare(flags) == 0) {
		mount("none", "/", "none", MS_REC | MS_PRIVATE, "");
	}
}

static int write_report(const struct options *o, const struct kit_report *report)
{
	FILE *out = o->output ? fopen(o->output, "we") : stdout;
	int r;

	if (!out) {
		fprintf(stderr, "gantry-plugin-check: cannot write %s: %s\n", o->output, strerror(errno));
		return 2;
	}
	if (!strcmp(o->format, "tap")) {
		report_tap(report, out);
	} else if (!strcmp(o->format, "junit")) {
		report_junit(report, out);
	} else {
		report_text(report, o->verbose, out);
	}
	r = ferror(out) || fflush(out) ? 2 : 0;
	if (o->output) {
		fclose(out);
	}
	return r;
}

static int run(struct options *o, struct kit_report *report, struct gantry_error *err)
{
	struct subject *subject = NULL;
	const char *tmp = getenv("TMPDIR");
	char folder[PATH_MAX];
	int r = 0;

	report->subject = o->subject.path;
	if (!survives_loading(o, report)) {
		return 0;
	}
	r = subject_new(&o->subject, &subject, err);
	if (r < 0) {
		return r;
	}
	report->subject = o->title = strdup(subject_title(subject));
	check_manifest(subject, report);
	/* Starting processes takes its time. */
	o->suite.timeout_s *= subject_kit(subject)->in_process ? 1 : 3;
	leave_the_host(subject_kit(subject));
	snprintf(folder, sizeof(folder), "%s/gantry-check.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder)) {
		r = error_errno(err, errno, "cannot make %s", folder);
	} else {
		o->suite.folder = folder;
		r = suite_run(subject_kit(subject), &o->suite, report, err);
		remove_tree(AT_FDCWD, folder);
	}
	if (r == 0 && o->valgrind) {
		run_valgrind(o, report);
	}
	subject_free(subject);
	return r;
}

/* What malloc keeps in each thread's cache counts as used, and looks like a leak: this
 * program starts again without such caches, which it can only say before it begins. */
static void start_exactly(char **argv)
{
	static const char exactly[] = "glibc.malloc.tcache_count=0";
	const char *tunables = getenv("GLIBC_TUNABLES");
	auto_(buf) struct buf text = BUF_INIT;

	if (tunables && strstr(tunables, exactly)) {
		return;
	}
	buf_addf(&text, "%s%s%s", tunables ? tunables : "", tunables && *tunables ? ":" : "", exactly);
	if (!buf_failed(&text) && setenv("GLIBC_TUNABLES", buf_str(&text), 1) == 0) {
		execv("/proc/self/exe", argv);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .format = "text", .suite = { .timeout_s = 60 }, .argv = argv };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct kit_report report = { 0 };
	int r;

	start_exactly(argv);
	if (read_options(argc, argv, &o) < 0) {
		return usage();
	}
	if (run(&o, &report, &err) < 0) {
		fprintf(stderr, "gantry-plugin-check: %s\n", err.message);
		if (*err.hint) {
			fprintf(stderr, "hint: %s\n", err.hint);
		}
		return 2;
	}
	r = write_report(&o, &report);
	if (r == 0) {
		r = report_count(&report, KIT_FAILED) ? 1 : 0;
	}
	report_done(&report);
	free(o.title);
	return r;
}
