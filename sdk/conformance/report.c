/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "conformance/result.h"

struct kit_outcome *report_add(struct kit_report *report, const char *name)
{
	struct kit_outcome *more = realloc(report->outcomes, (report->n + 1) * sizeof(*more));
	struct kit_outcome *o;

	if (!more) {
		perror("report");
		abort();
	}
	report->outcomes = more;
	o = &more[report->n++];
	*o = (struct kit_outcome){ .name = strdup(name), .status = KIT_PASSED };
	return o;
}

void report_done(struct kit_report *report)
{
	for (size_t i = 0; i < report->n; i++) {
		free(report->outcomes[i].name);
		buf_done(&report->outcomes[i].text);
	}
	free(report->outcomes);
}

size_t report_count(const struct kit_report *report, enum kit_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++) {
		n += report->outcomes[i].status == status;
	}
	return n;
}

/* Each line of text behind a prefix. */
static void print_lines(FILE *out, const char *prefix, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(out, "%s%.*s\n", prefix, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static void print_latencies(const struct kit_report *report, FILE *out, const char *prefix)
{
	for (size_t i = 0; i < report->n_latencies; i++) {
		const struct kit_latency *l = &report->latencies[i];

		fprintf(out, "%s%-14s %5u calls  median %9.1f us  99th %9.1f us  longest %9.1f us\n", prefix,
			l->op, l->n, (double)l->p50_ns / 1e3, (double)l->p99_ns / 1e3,
			(double)l->max_ns / 1e3);
	}
}

void report_text(const struct kit_report *report, int verbose, FILE *out)
{
	static const char *const words[] = { "", "ok", "FAILED", "skipped" };

	fprintf(out, "%s\n", report->subject);
	for (size_t i = 0; i < report->n; i++) {
		const struct kit_outcome *o = &report->outcomes[i];

		if (verbose || o->status != KIT_PASSED) {
			fprintf(out, "%-8s %s\n", words[o->status], o->name);
			print_lines(out, "         ", buf_str(&o->text));
		}
	}
	if (verbose) {
		print_latencies(report, out, "latency  ");
	}
	fprintf(out, "%zu passed, %zu failed, %zu skipped\n", report_count(report, KIT_PASSED),
		report_count(report, KIT_FAILED), report_count(report, KIT_SKIPPED));
}

void report_tap(const struct kit_report *report, FILE *out)
{
	fprintf(out, "TAP version 13\n1..%zu\n# %s\n", report->n, report->subject);
	for (size_t i = 0; i < report->n; i++) {
		const struct kit_outcome *o = &report->outcomes[i];

		fprintf(out, "%sok %zu - %s", o->status == KIT_FAILED ? "not " : "", i + 1, o->name);
		if (o->status == KIT_SKIPPED) {
			fprintf(out, " # SKIP %.*s\n", (int)strcspn(buf_str(&o->text), "\n"), buf_str(&o->text));
		} else {
			fputc('\n', out);
			print_lines(out, "# ", buf_str(&o->text));
		}
	}
	print_latencies(report, out, "# ");
}

/* XML 1.0 has no control characters but these; bytes that are no UTF-8 are not ours
 * to repair. */
static void print_xml(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p >= 0x7f) {
				fprintf(out, "\\x%02x", *p);
			} else {
				fputc(*p, out);
			}
		}
	}
}

void report_junit(const struct kit_report *report, FILE *out)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"", out);
	print_xml(out, report->subject);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n", report->n,
		report_count(report, KIT_FAILED), report_count(report, KIT_SKIPPED));
	for (size_t i = 0; i < report->n; i++) {
		const struct kit_outcome *o = &report->outcomes[i];

		fputs("  <testcase name=\"", out);
		print_xml(out, o->name);
		fprintf(out, "\" time=\"%.3f\"", (double)o->ns / 1e9);
		if (o->status == KIT_PASSED) {
			fputs("/>\n", out);
			continue;
		}
		fputs(o->status == KIT_FAILED ? ">\n    <failure>" : ">\n    <skipped message=\"", out);
		print_xml(out, buf_str(&o->text));
		fputs(o->status == KIT_FAILED ? "</failure>\n  </testcase>\n" : "\"/>\n  </testcase>\n", out);
	}
	fputs("</testsuite>\n", out);
}
