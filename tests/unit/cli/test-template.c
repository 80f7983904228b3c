/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format/table.h"
#include "cli/format/template.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

static const char document[] =
	"{\"Name\":\"/web\",\"Id\":\"abcdef\",\"N\":3,\"F\":1.5,\"Big\":9007199254740993,"
	"\"Off\":false,\"On\":true,\"Null\":null,\"List\":[\"a\",\"b\"],\"Empty\":[],"
	"\"Config\":{\"Labels\":{\"com.x\":\"y\",\"b\":\"2\"},\"Cmd\":null,\"Volumes\":null},"
	"\"Mounts\":[{\"Source\":\"/s\"},{\"Source\":\"/t\"}]}";

/* What the template makes of the document, or the message of its error. */
static char *run(const char *text)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_json struct json_object *o = NULL;
	struct template *t = NULL;
	auto_(buf) struct buf out = BUF_INIT;
	struct template_data data = { 0 };

	ck_assert_int_eq(json_parse(document, strlen(document), "it", &o, &err), 0);
	data.dot = o;
	if (template_parse(text, &t, &err) == 0) {
		template_execute(t, &data, &out, &err);
		template_free(t);
	}
	return strdup(err.code ? err.message : buf_str(&out));
}

static const char *const cases[][2] = {
	{ "plain", "plain" },
	{ "{{.Name}}", "/web" },
	{ "{{.ID}}", "abcdef" },
	{ "a {{- .N -}} b", "a3b" },
	{ "{{.F}} {{.Big}} {{.Off}} {{.Null}}", "1.5 9007199254740993 false <no value>" },
	{ "{{.List}} {{.Config.Labels}}", "[a b] map[b:2 com.x:y]" },
	{ "{{.Config.Cmd}} {{.Config.Volumes}} {{json .Config.Cmd}}", "[] map[] null" },
	{ "{{json .List}} {{join .List \",\"}} {{len .List}}", "[\"a\",\"b\"] a,b 2" },
	{ "{{index .Config.Labels \"com.x\"}} {{index .List 1}}", "y b" },
	{ "{{.Config.Labels.nope}}", "<no value>" },
	{ "{{range .Mounts}}[{{.Source}}]{{end}}", "[/s][/t]" },
	{ "{{range $i, $m := .Mounts}}{{$i}}{{$m.Source}};{{end}}", "0/s;1/t;" },
	{ "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}},{{end}}", "b=2,com.x=y," },
	{ "{{range .Empty}}x{{else}}none{{end}}", "none" },
	{ "{{range .List}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a" },
	{ "{{range .List}}{{if eq . \"a\"}}{{continue}}{{end}}{{.}}{{end}}", "b" },
	{ "{{if .On}}y{{else}}n{{end}}{{if .Off}}y{{else if .N}}three{{end}}", "ythree" },
	{ "{{with .Config}}{{len .Labels}}{{$.Name}}{{end}}", "2/web" },
	{ "{{$x := 1}}{{if .On}}{{$x = 2}}{{end}}{{$x}}", "2" },
	{ "{{upper .Name}} {{lower \"AB\"}} {{title \"ab cd\"}}", "/WEB ab Ab Cd" },
	{ "{{pad \"x\" 1 2}}| {{truncate .Id 3}} {{split \"a,b\" \",\"}}", " x  | abc [a b]" },
	{ "{{printf \"%s-%d-%5.1f|%-4s|%q|%v|%%\" .Id .N .F \"z\" \"q\" .List}}",
	  "abcdef-3-  1.5|z   |\"q\"|[a b]|%" },
	{ "{{printf \"%d\" \"x\"}} {{printf \"%s\"}}", "%!d(string=x) %!s(MISSING)" },
	{ "{{.N | printf \"%03d\"}}", "003" },
	{ "{{eq .N 3}} {{ne .N 3}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 1 2}}",
	  "true false true true false false" },
	{ "{{eq .N 1 2 3}} {{and .On .N}} {{or .Off \"d\"}} {{not .On}}", "true 3 d false" },
	{ "{{slice .Id 1 3}} {{slice .List 1}}", "bc [b]" },
	{ "{{println \"a\" 1}}", "a 1\n" },
	{ "{{print 1 2 \"a\" \"b\"}}", "1 2ab" },
	{ "{{(index .Mounts 0).Source}}", "/s" },
	{ "{{/* gone */}}x{{`raw\\n`}}{{\"\\t\"}}", "xraw\\n\t" },
	{ "{{html \"<a>\"}} {{urlquery \"a b&\"}}", "&lt;a&gt; a+b%26" },
	/* Errors, in the words that Docker's users see. */
	{ "{{.Nope}}", "template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\"" },
	{ "{{.Name", "template: :1: unclosed action" },
	{ "a\n{{nope}}", "template: :2: function \"nope\" not defined" },
	{ "{{.Name.X}}",
	  "template: :1:7: executing \"\" at <.Name.X>: can't evaluate field X in type interface {}" },
	{ "{{index .List 9}}", "template: :1:2: executing \"\" at <index .List 9>: error calling index: "
			       "index out of range: 9" },
	{ "{{end}}", "template: :1: unexpected {{end}}" },
	{ "{{if .On}}", "template: :1: unexpected EOF" },
	{ "{{}}", "template: :1: missing value for command" },
	{ "{{range .N", "template: :1: unclosed action" },
	{ "{{\"abc}}", "template: :1: unterminated quoted string" },
	{ "{{break}}", "template: :1: {{break}} outside {{range}}" },
};

START_TEST(test_cases)
{
	auto_free char *got = run(cases[_i][0]);

	ck_assert_msg(strcmp(got, cases[_i][1]) == 0, "%s\n gives  %s\n wanted %s", cases[_i][0], got,
		      cases[_i][1]);
}
END_TEST

static char *repeat(const char *text, size_t n, const char *end)
{
	struct buf b = BUF_INIT;

	while (n-- > 0) {
		buf_adds(&b, text);
	}
	buf_adds(&b, end);
	return buf_steal(&b);
}

/* Deep, long and growing templates end with an error rather than with the process. */
START_TEST(test_hostile)
{
	static const char *const parts[][2] = {
		{ "{{if .On}}", "" }, { "(", "" }, { "{{range .List}}", "" },
	};
	auto_free char *text = NULL;
	auto_free char *got = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		auto_free char *deep = repeat(parts[i][0], 3000, parts[i][1]);
		auto_free char *inside = malloc(strlen(deep) + 8);
		auto_free char *answer = NULL;

		sprintf(inside, i == 1 ? "{{%s" : "%s", deep);
		answer = run(inside);
		ck_assert_ptr_nonnull(strstr(answer, "nested too deeply"));
	}
	got = run("{{range 100000000}}{{range 100000000}}x{{end}}{{end}}");
	ck_assert_ptr_nonnull(strstr(got, "runs for too long"));
	free(got);
	got = run("{{$x := \"abcdefgh\"}}{{range 40}}{{$x = printf \"%s%s\" $x $x}}{{end}}");
	ck_assert_ptr_nonnull(strstr(got, "too long"));
	text = repeat("x", 70000, "");
	free(got);
	got = run(text);
	ck_assert_ptr_nonnull(strstr(got, "longer than"));
}
END_TEST

START_TEST(test_table)
{
	static const char in[] = "ID\tNAME\tX\n1234567890123\t\xc3\xa4\ty\n";
	auto_(buf) struct buf out = BUF_INIT;

	table_align(in, strlen(in), &out);
	ck_assert_str_eq(buf_str(&out), "ID              NAME      X\n"
					"1234567890123   \xc3\xa4         y\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("template");
	TCase *c = tcase_create("template");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, test_cases, 0, (int)ARRAY_SIZE(cases));
	tcase_add_test(c, test_hostile);
	tcase_add_test(c, test_table);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
