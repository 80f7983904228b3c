/* SPDX-License-Identifier: Apache-2.0 */
/* Which images this host, or the one that was asked for, can run.  The words and what stands in
 * for what are the OCI image specification's and containerd's. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/image/platform.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const struct {
	const char *alias, *arch, *variant;
} aliases[] = {
	{ "x86_64", "amd64", "" }, { "x86-64", "amd64", "" }, { "aarch64", "arm64", "" },
	{ "armhf", "arm", "v7" },  { "armel", "arm", "v6" },  { "armv7l", "arm", "v7" },
	{ "armv6l", "arm", "v6" }, { "i386", "386", "" },     { "i686", "386", "" },
};

static const char *const arches[] = { "386",	  "amd64",  "arm",   "arm64",	"loong64", "mips64le",
				      "ppc64le", "riscv64", "s390x", "wasm" };

static int is_arch(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
		if (!strcmp(text, arches[i])) {
			return 1;
		}
	}
	return 0;
}

/* One spelling for each. */
static void normalise(struct platform *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (!strcmp(p->arch, aliases[i].alias)) {
			strcpy(p->arch, aliases[i].arch);
			if (!*p->variant) {
				strcpy(p->variant, aliases[i].variant);
			}
		}
	}
	if (!strcmp(p->arch, "arm") && (isdigit((unsigned char)*p->variant) || !*p->variant)) {
		snprintf(p->variant, sizeof(p->variant), "v%c", *p->variant ? *p->variant : '7');
	}
	if ((!strcmp(p->arch, "arm64") && (!strcmp(p->variant, "8") || !strcmp(p->variant, "v8"))) ||
	    (!strcmp(p->arch, "amd64") && !strcmp(p->variant, "v1"))) {
		*p->variant = '\0';
	}
}

static void this_host(struct platform *ret)
{
	struct utsname uts;

	uname(&uts);
	*ret = (struct platform){ .os = "linux" };
	snprintf(ret->arch, sizeof(ret->arch), "%.31s", uts.machine);
	normalise(ret);
}

/* Copies up to the next slash in lower case; NULL when it is empty, too long or strange. */
static const char *take_part(const char *p, char *to, size_t size)
{
	size_t n = 0;

	for (; *p && *p != '/'; p++) {
		if (n + 1 >= size || (!isalnum((unsigned char)*p) && !strchr("_.-", *p))) {
			return NULL;
		}
		to[n++] = (char)tolower((unsigned char)*p);
	}
	to[n] = '\0';
	return n ? p : NULL;
}

/* "linux" alone, or "arm64" alone: the rest is this host's. */
static int parse_one(const char *word, struct platform *ret)
{
	struct platform host;

	this_host(&host);
	if (!strcmp(word, "linux")) {
		*ret = host;
		return 0;
	}
	*ret = (struct platform){ .os = "linux" };
	snprintf(ret->arch, sizeof(ret->arch), "%s", word);
	normalise(ret);
	return is_arch(ret->arch) ? 0 : -1;
}

int image_platform(const char *text, struct platform *ret, struct gantry_error *err)
{
	struct platform p = { .os = "" };
	const char *rest;
	int r = -1;

	if (!text || !*text) {
		this_host(ret);
		return 0;
	}
	rest = take_part(text, p.os, sizeof(p.os));
	if (rest && !*rest) {
		char word[sizeof(p.os)];

		memcpy(word, p.os, sizeof(word));
		r = parse_one(word, &p);
	} else if (rest && (rest = take_part(rest + 1, p.arch, sizeof(p.arch)))) {
		r = !*rest || ((rest = take_part(rest + 1, p.variant, sizeof(p.variant))) && !*rest) ? 0 : -1;
		normalise(&p);
	}
	if (r < 0) {
		error_set(err, GANTRY_ERR_INVALID, "\"%.100s\" is an invalid platform", text);
		return error_hint(err, "write it as OS/ARCH[/VARIANT], such as linux/arm64 or linux/arm/v7");
	}
	*ret = p;
	return 0;
}

void image_platform_text(const struct platform *p, char to[PLATFORM_TEXT_MAX])
{
	snprintf(to, PLATFORM_TEXT_MAX, "%s/%s%s%s", p->os, p->arch, *p->variant ? "/" : "", p->variant);
}

void image_platform_of(struct json_object *o, struct platform *ret)
{
	const char *os = json_get_string(o, "os"), *arch = json_get_string(o, "architecture");
	const char *variant = json_get_string(o, "variant");

	*ret = (struct platform){ .os = "" };
	snprintf(ret->os, sizeof(ret->os), "%s", os ? os : "");
	snprintf(ret->arch, sizeof(ret->arch), "%s", arch ? arch : "");
	snprintf(ret->variant, sizeof(ret->variant), "%s", variant ? variant : "");
	normalise(ret);
}

static int level(const char *variant)
{
	return variant[0] == 'v' && isdigit((unsigned char)variant[1]) && !variant[2] ? variant[1] - '0' : 0;
}

int image_platform_rank(const struct platform *want, const struct platform *have)
{
	int same = !strcmp(want->arch, have->arch);

	if (strcmp(want->os, have->os) || !*have->arch) {
		return 0;
	}
	if (same && !strcmp(want->variant, have->variant)) {
		return 1;
	}
	/* Older generations run on newer ones: arm v7 runs v6, arm64 runs them all. */
	if (!strcmp(have->arch, "arm") && (same || !strcmp(want->arch, "arm64"))) {
		int most = same ? level(want->variant) : 8, its = level(have->variant);

		return its >= 5 && its <= most ? 2 + most - its : 0;
	}
	if (same && !strcmp(want->arch, "amd64")) {
		int most = *want->variant ? level(want->variant) : 1, its = *have->variant ? level(have->variant) : 1;

		return its && its <= most ? 2 + most - its : 0;
	}
	return !strcmp(want->arch, "amd64") && !strcmp(have->arch, "386") ? 20 : 0;
}
