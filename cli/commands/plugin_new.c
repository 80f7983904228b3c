/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `gantry plugin new`: a project to start from.  For kind volume it is the SDK's
 * example of that language under another name; for other kinds the driver is written
 * from the interface's description, each operation answering UNSUPPORTED until it is
 * filled in.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands/commands.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

struct template_file {
	const char *language;
	const char *path;
	mode_t mode;
	const char *text;
};

#include "templates_generated.h"

#define EXAMPLE "example"

struct project {
	const struct gantry_interface *iface;
	const char *name;
	const char *language;
	int folder;
};

/* text with every EXAMPLE replaced by the project's name, and the kind by its kind. */
static void personalise(const struct project *p, const char *text, int is_text_about_volumes, struct buf *out)
{
	while (*text) {
		if (strncmp(text, EXAMPLE, strlen(EXAMPLE)) == 0) {
			buf_adds(out, p->name);
			text += strlen(EXAMPLE);
		} else if (is_text_about_volumes && strncmp(text, "\"volume\"", 8) == 0) {
			buf_addf(out, "\"%s\"", p->iface->kind);
			text += 8;
		} else {
			buf_addc(out, *text++);
		}
	}
}

static int write_file(const struct project *p, const char *path, mode_t mode, const struct buf *text,
		      struct gantry_error *err)
{
	const char *slash = strrchr(path, '/');
	auto_fd int fd = -1;

	if (slash) {
		auto_free char *folder = strndup(path, (size_t)(slash - path));
		int r = folder ? make_dirs(p->folder, folder, 0755) : -ENOMEM;

		if (r < 0) {
			return error_errno(err, -r, "cannot make folder %s", folder ? folder : path);
		}
	}
	fd = openat(p->folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || write_all(fd, buf_str(text), text->len) < 0) {
		return error_errno(err, errno, "cannot make %s/%s", p->name, path);
	}
	return 0;
}

/* ---- drivers from a description ---- */

static void c_operation(const struct project *p, const struct gantry_op *op, struct buf *out)
{
	buf_addf(out, "\n/* %s: see docs/reference/%s.md. */\nstatic int op_%s(void *self, const struct gantry_%s_%s_args "
		 "*args,\n\t\tstruct gantry_reply *reply, struct gantry_error *err)\n{\n\t(void)self, (void)args, "
		 "(void)reply;\n\treturn gantry_fail(err, GANTRY_ERR_UNSUPPORTED, \"%s driver %s cannot %s yet\");\n}\n",
		 op->flags & GANTRY_OP_REQUIRED ? "Required" : "Optional", p->iface->kind, op->name, p->iface->kind,
		 op->name, p->iface->kind, p->name, op->name);
}

static void c_driver(const struct project *p, struct buf *out)
{
	const char *kind = p->iface->kind;

	buf_addf(out, "/* The %s driver %s. */\n#include <stdlib.h>\n\n#include <gantry/facade.h>\n#include <gantry/%s.h>\n\n"
		 "struct driver {\n\tconst struct gantry_host *host;\n};\n", kind, p->name, kind);
	for (uint32_t i = 0; i < p->iface->n_ops; i++) {
		if (p->iface->ops[i].flags & GANTRY_OP_REQUIRED) {
			c_operation(p, &p->iface->ops[i], out);
		}
	}
	buf_adds(out, "\nstatic int open_driver(const struct gantry_host *host, const char *config, void **ret_self,\n"
		 "\t\t       struct gantry_error *err)\n{\n\tstruct driver *d = malloc(sizeof(*d));\n\n\t(void)config;\n"
		 "\tif (!d) {\n\t\treturn gantry_fail(err, GANTRY_ERR_NO_MEMORY, \"out of memory\");\n\t}\n"
		 "\td->host = host;\n\t*ret_self = d;\n\treturn 0;\n}\n\n");
	buf_addf(out, "static const struct gantry_%s_ops ops = {\n\t.struct_size = sizeof(ops),\n", kind);
	for (uint32_t i = 0; i < p->iface->n_ops; i++) {
		if (p->iface->ops[i].flags & GANTRY_OP_REQUIRED) {
			buf_addf(out, "\t.%s = op_%s,\n", p->iface->ops[i].name, p->iface->ops[i].name);
		}
	}
	buf_addf(out, "};\n\nstatic const struct gantry_driver driver = {\n\t.size = sizeof(driver),\n"
		 "\t.threads = GANTRY_THREADS_SERIAL,\n\t.kind = \"%s\",\n\t.name = \"%s\",\n"
		 "\t.summary = \"What it does, in one line\",\n\t.ops = &ops,\n\t.open = open_driver,\n\t.close = free,\n};\n\n"
		 "static const struct gantry_driver *const drivers[] = { &driver, NULL };\n\n"
		 "GANTRY_PLUGIN(.name = \"%s\", .version = \"1.0.0\", .licence = \"Apache-2.0\",\n"
		 "\t      .flags = GANTRY_PLUGIN_UNLOADABLE, .drivers = drivers);\n", kind, p->name, p->name);
}

static void c_test(const struct project *p, struct buf *out)
{
	const char *kind = p->iface->kind;
	const struct gantry_op *op = p->iface->ops;
	auto_(buf) struct buf upper = BUF_INIT;

	while (!(op->flags & GANTRY_OP_REQUIRED)) {
		op++;
	}
	for (const char *c = kind; *c; c++) {
		buf_addc(&upper, (char)toupper(*c));
	}
	buf_addc(&upper, '_');
	for (const char *c = op->name; *c; c++) {
		buf_addc(&upper, (char)toupper(*c));
	}
	buf_addf(out, "/* Tests of the driver without an engine, on the SDK's fake host. */\n#include <stdio.h>\n\n"
		 "#include <gantry/fake.h>\n#include <gantry/%s.h>\n\nextern const struct gantry_plugin the_plugin;\n\n"
		 "int main(void)\n{\n\tstruct gantry_fake *host = gantry_fake_new();\n"
		 "\tstruct gantry_fake_reply *reply = gantry_fake_reply_new();\n"
		 "\tstruct gantry_error err = GANTRY_ERROR_INIT;\n\tconst struct gantry_%s_ops *ops;\n\tconst void *table;\n"
		 "\tvoid *self;\n\tint r;\n\n"
		 "\tif (gantry_fake_open(host, &the_plugin, \"%s\", \"%s\", \"{}\", &table, &self, &err) < 0) {\n"
		 "\t\tfprintf(stderr, \"open: %%s\\n\", err.message);\n\t\treturn 1;\n\t}\n\tops = table;\n"
		 "\t/* Until it is written, an operation says so. */\n"
		 "\tr = ops->%s(self, &GANTRY_%s_ARGS(), gantry_fake_reply_base(reply), &err);\n"
		 "\tif (r != GANTRY_ERR_UNSUPPORTED) {\n\t\tfprintf(stderr, \"%s: %%d %%s\\n\", r, err.message);\n\t\treturn 1;\n\t}\n"
		 "\tthe_plugin.drivers[0]->close(self);\n\tgantry_fake_reply_free(reply);\n\tgantry_fake_free(host);\n"
		 "\tprintf(\"all tests passed\\n\");\n\treturn 0;\n}\n", kind, kind, kind, p->name,
		 op->name, buf_str(&upper), op->name);
}

static void lua_driver(const struct project *p, struct buf *out)
{
	const char *kind = p->iface->kind;

	buf_addf(out, "-- The %s driver %s; docs/reference/%s.md says what each operation is given and returns.\n"
		 "driver {\n  kind = \"%s\",\n  name = \"%s\",\n  version = \"1.0.0\",\n  licence = \"Apache-2.0\",\n"
		 "  summary = \"What it does, in one line\",\n  needs = {},\n}\n\nlocal operations = {}\n", kind, p->name, kind,
		 kind, p->name);
	for (uint32_t i = 0; i < p->iface->n_ops; i++) {
		if (p->iface->ops[i].flags & GANTRY_OP_REQUIRED) {
			buf_addf(out, "\nfunction operations.%s(args)\n  fail(\"UNSUPPORTED\", \"%s driver %s cannot %s yet\")\n"
				 "end\n", p->iface->ops[i].name, kind, p->name, p->iface->ops[i].name);
		}
	}
	buf_adds(out, "\nreturn operations\n");
}

static void python_driver(const struct project *p, struct buf *out)
{
	const char *kind = p->iface->kind;

	buf_addf(out, "#!/usr/bin/env python3\n\"\"\"The %s driver %s; docs/reference/%s.md says what each operation is given "
		 "and returns.\"\"\"\nimport sys\n\nsys.dont_write_bytecode = True\nfrom protocol import Driver, Failure  # noqa: "
		 "E402\n\ndriver = Driver(kind=\"%s\", name=\"%s\", version=\"1.0.0\", summary=\"What it does, in one line\")\n",
		 kind, p->name, kind, kind, p->name);
	for (uint32_t i = 0; i < p->iface->n_ops; i++) {
		if (p->iface->ops[i].flags & GANTRY_OP_REQUIRED) {
			buf_addf(out, "\n\n@driver.operation\ndef %s_(args):\n    raise Failure(\"UNSUPPORTED\", \"%s driver %s "
				 "cannot %s yet\")\n", p->iface->ops[i].name, kind, p->name, p->iface->ops[i].name);
		}
	}
	buf_adds(out, "\n\nif __name__ == \"__main__\":\n    driver.serve()\n");
}

static void python_test(const struct project *p, struct buf *out)
{
	buf_addf(out, "#!/usr/bin/env python3\n\"\"\"Tests of the driver without an engine.\"\"\"\nimport unittest\n\n"
		 "import driver\nfrom protocol import Failure\n\n\nclass DriverTest(unittest.TestCase):\n"
		 "    def test_says_what_it_is(self):\n        self.assertEqual(driver.driver.kind, \"%s\")\n"
		 "        self.assertTrue(driver.driver.operations)\n\n    def test_unwritten(self):\n"
		 "        for operation in driver.driver.operations.values():\n            with self.assertRaises(Failure):\n"
		 "                operation({})\n\n\nif __name__ == \"__main__\":\n    unittest.main()\n", p->iface->kind);
}

/* The text of a file for another kind than the examples'; 0 when it is the example's. */
static int other_kind(const struct project *p, const char *path, struct buf *out)
{
	static const struct {
		const char *path;
		void (*write)(const struct project *p, struct buf *out);
	} writers[] = {
		{ "driver.c", c_driver },   { "test.c", c_test },	{ "example.lua", lua_driver },
		{ "driver.py", python_driver }, { "test.py", python_test },
	};

	for (size_t i = 0; strcmp(p->iface->kind, "volume") && i < ARRAY_SIZE(writers); i++) {
		if (strcmp(writers[i].path, path) == 0) {
			writers[i].write(p, out);
			return 1;
		}
	}
	return 0;
}

static int write_project(const struct project *p, struct gantry_error *err)
{
	int other = strcmp(p->iface->kind, "volume") != 0;

	for (const struct template_file *t = template_files; t->path; t++) {
		auto_(buf) struct buf text = BUF_INIT, path = BUF_INIT;
		int r;

		if (strcmp(t->language, p->language) != 0) {
			continue;
		}
		personalise(p, t->path, 0, &path);
		if (!other_kind(p, t->path, &text)) {
			personalise(p, t->text, other, &text);
		}
		if (buf_failed(&text) || buf_failed(&path)) {
			return error_no_memory(err);
		}
		r = write_file(p, buf_str(&path), t->mode, &text, err);
		if (r < 0) {
			return r;
		}
		printf("%s/%s\n", p->name, buf_str(&path));
	}
	return 0;
}

static int is_language(const char *text)
{
	for (const struct template_file *t = template_files; t->path; t++) {
		if (strcmp(t->language, text) == 0) {
			return 1;
		}
	}
	return 0;
}

static int check(const struct project *p, const char *kind, struct gantry_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	if (!p->iface || !strcmp(kind, "engine")) {
		auto_(buf) struct buf kinds = BUF_INIT;

		for (const struct gantry_interface *const *i = interfaces_all; *i; i++) {
			if (strcmp((*i)->kind, "engine") != 0) {
				buf_addf(&kinds, "%s%s", kinds.len ? ", " : "", (*i)->kind);
			}
		}
		error_set(err, GANTRY_ERR_INVALID, "there is no kind \"%s\"", kind);
		return error_hint(err, "the kinds are %s", buf_str(&kinds));
	}
	if (strlen(p->name) > 40 || strspn(p->name, letters) != strlen(p->name) || !islower(p->name[0])) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" cannot name a plugin: use a-z, 0-9 and -, a letter in front",
				 p->name);
	}
	if (!is_language(p->language)) {
		return error_set(err, GANTRY_ERR_INVALID, "there is no template in \"%s\": --lang is c, lua, python or sh",
				 p->language);
	}
	if (!strcmp(p->language, "sh") && strcmp(kind, "volume")) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "there is a template in sh for kind volume only");
		return error_hint(err, "begin with --lang python, or with gantry plugin new --lang sh volume");
	}
	return 0;
}

static int command_new(struct cli *cli, struct args *args, struct gantry_error *err)
{
	const char *language = args_string(args, "lang");
	struct project p = { .iface = interface_find(args->argv[0]), .name = args->argv[1],
			     .language = language ? language : "c" };
	auto_fd int folder = -1;
	int r = check(&p, args->argv[0], err);

	(void)cli;
	if (r < 0) {
		return r;
	}
	if (mkdir(p.name, 0755) < 0) {
		return error_errno(err, errno, "cannot make folder %s", p.name);
	}
	folder = open(p.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) {
		return error_errno(err, errno, "cannot open folder %s", p.name);
	}
	p.folder = folder;
	r = write_project(&p, err);
	return r < 0 ? r : CLI_EXIT_OK;
}

static const struct flag new_flags[] = {
	{ FLAG_STRING, 0, "lang", "Language: \"c\", \"lua\", \"python\" or \"sh\"", "c", 0 },
	{ FLAG_NONE },
};

const struct command plugin_new_command = {
	.name = "new",
	.summary = "Make a project to start a plugin from",
	.usage = "[OPTIONS] KIND NAME",
	.min_args = 2,
	.max_args = 2,
	.flags = new_flags,
	.run = command_new,
};
