/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random work for the sandbox, the same for the same seed:
 *
 *     fuzz library N [SEED]   our library against Lua's own: same results
 *     fuzz script N [SEED]    scripts made from a grammar: they end, in time
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "helpers/buf.h"
#include "helpers/error.h"
#include "lua/sandbox/sandbox.h"
#include "lua/sandbox/services.h"

#define PATIENT_NS INT64_C(60000000000) /* a busy machine is no difference */
#define HANG_NS INT64_C(5000000000)     /* of processor time */

static int64_t processor_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint64_t state;

static unsigned pick(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(state >> 33) % n;
}

static const char *one_of(const char *const *list, size_t n)
{
	return list[pick((unsigned)n)];
}

#define ONE_OF(list) one_of(list, sizeof(list) / sizeof(list[0]))

static void add_quoted(struct buf *out, const struct buf *text)
{
	size_t i;

	buf_addc(out, '"');
	for (i = 0; i < text->len; i++) {
		buf_addf(out, "\\%03d", (unsigned char)text->data[i]);
	}
	buf_addc(out, '"');
}

static void add_subject(struct buf *out)
{
	static const char letters[] = "aabbc1 .()[]%-\n\xe4";
	struct buf text = BUF_INIT;
	unsigned n = pick(24);

	while (n--) {
		buf_addc(&text, letters[pick(sizeof(letters))]); /* and the NUL */
	}
	add_quoted(out, &text);
	buf_done(&text);
}

static void add_pattern(struct buf *out)
{
	static const char *const parts[] = {
		"a", "b", ".", "%a", "%d", "%s", "%w", "%p", "%A", "%x", "[ab]", "[^a]", "[a-c]", "[%d_]",
		"[]]", "[^]a]", "[a-]", "(a)", "(", ")", "()", "%b()", "%f[%w]", "%1", "%2", "%", "[", "^",
		"$", "*", "+", "-", "?", "%%", "%.", "(.)", "(.-)", "[%]", "[a", "%f", "%bx",
	};
	struct buf text = BUF_INIT;
	unsigned n = pick(6) + 1;

	while (n--) {
		buf_adds(&text, ONE_OF(parts));
		if (pick(3) == 0) {
			buf_addc(&text, "*+-?"[pick(4)]);
		}
	}
	add_quoted(out, &text);
	buf_done(&text);
}

/* One call of a function that both libraries have. */
static void add_call(struct buf *out)
{
	static const char *const formats[] = { "%d", "%5d", "%-5d|", "%05d", "%x", "%X", "%#x", "%o", "%+d",
					       "%g", "%.3f", "%10.2f", "%e", "%s", "%.2s", "%5s", "%-5s|",
					       "%c", "%%", "%i", "%a", "%5", "%z", "%123d" };
	static const char *const values[] = { "1", "-1", "0", "3.5", "'x'", "'12'", "nil", "true", "65",
					      "math.mininteger", "1e100", "0/0", "1/0" };
	static const char *const replacements[] = { "'x'", "'%0%0'", "'%1'", "'%'", "'%2'", "{ a = 'q' }",
						    "function(x) return x end", "function() end",
						    "string.upper", "7", "true" };

	switch (pick(12)) {
	case 0:
	case 1:
		buf_adds(out, "string.find(");
		add_subject(out);
		buf_adds(out, ",");
		add_pattern(out);
		buf_addf(out, ",%d%s)", (int)pick(12) - 6, pick(6) ? "" : ",true");
		return;
	case 2:
		buf_adds(out, "string.match(");
		add_subject(out);
		buf_adds(out, ",");
		add_pattern(out);
		buf_addf(out, ",%d)", (int)pick(6) - 2);
		return;
	case 3:
	case 4:
		buf_adds(out, "string.gsub(");
		add_subject(out);
		buf_adds(out, ",");
		add_pattern(out);
		buf_addf(out, ",%s%s)", ONE_OF(replacements), pick(4) ? "" : ",2");
		return;
	case 5:
		buf_adds(out, "(function() local t = {} for a, b in string.gmatch(");
		add_subject(out);
		buf_adds(out, ",");
		add_pattern(out);
		buf_adds(out, ") do t[#t + 1] = tostring(a) .. '/' .. tostring(b) if #t > 50 then break end "
			      "end return table.concat(t, ';') end)()");
		return;
	case 6:
		buf_addf(out, "string.format('%s%s', %s, %s)", ONE_OF(formats), ONE_OF(formats),
			 ONE_OF(values), ONE_OF(values));
		return;
	case 7:
		buf_addf(out, "string.sub('abcdef', %d, %d)", (int)pick(16) - 8, (int)pick(16) - 8);
		return;
	case 8:
		buf_addf(out, "string.byte('abcdef', %d, %d)", (int)pick(16) - 8, (int)pick(16) - 8);
		return;
	case 9:
		buf_addf(out, "string.rep('ab', %d, '%s')", (int)pick(5) - 1, pick(2) ? "" : "-");
		return;
	case 10:
		buf_addf(out, "(function() local t = { 5, 2, 8, 1, 9 } table.insert(t, %d, 7) table.remove(t, %d) "
			      "table.sort(t) table.move(t, %d, %d, %d) return table.concat(t, ',', %d, 3) end)()",
			 (int)pick(8), (int)pick(8), (int)pick(4) + 1, (int)pick(5) + 1, (int)pick(5) + 1,
			 (int)pick(4) + 1);
		return;
	default:
		buf_addf(out, "table.unpack({ 1, 'b', 3 }, %d, %d)", (int)pick(6) - 2, (int)pick(6));
	}
}

/* Results as one text; error messages without their place. */
static const char report[] =
	"local r = table.pack(pcall(function() return %s end)) local t = {} "
	"for i = 1, r.n do t[i] = type(r[i]) == 'string' and r[i]:gsub('^[^:]*:%%d+: ', '') or tostring(r[i]) end "
	"if not r[1] then t = { 'error' } end "
	"return table.concat(t, '\\1')";

static void take_result(lua_State *L, void *arg)
{
	size_t len;
	const char *text;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &sandbox_result_key);
	text = lua_tolstring(L, -1, &len);
	buf_add(arg, text ? text : "?", text ? len : 1);
}

static int ours(const char *source, struct buf *out)
{
	struct sandbox_config config = { .memory_bytes = 16 << 20, .deadline_ns = PATIENT_NS };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct sandbox *sb = sandbox_new(&config, &err);
	int r = sandbox_load(sb, "ours", source, strlen(source), 0, &err);

	if (r == 0) {
		r = sandbox_call(sb, take_result, out, 0, &err);
	}
	if (r < 0) {
		buf_addf(out, "failed: %s", err.message);
	}
	sandbox_free(sb);
	return r;
}

static void theirs(const char *source, struct buf *out)
{
	static lua_State *L;
	size_t len;
	const char *text;

	if (!L) {
		L = luaL_newstate();
		luaL_openlibs(L);
	}
	lua_settop(L, 0);
	(void)luaL_dostring(L, source);
	text = lua_tolstring(L, -1, &len);
	buf_add(out, text ? text : "?", text ? len : 1);
}

static int compare_once(void)
{
	struct buf call = BUF_INIT, source = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	int differ;

	add_call(&call);
	buf_addf(&source, report, buf_str(&call));
	ours(buf_str(&source), &a);
	theirs(buf_str(&source), &b);
	differ = a.len != b.len || (a.len && memcmp(a.data, b.data, a.len) != 0);
	if (differ) {
		printf("differs: %s\n  ours:   %s\n  theirs: %s\n", buf_str(&call), buf_str(&a), buf_str(&b));
	}
	buf_done(&call);
	buf_done(&source);
	buf_done(&a);
	buf_done(&b);
	return differ;
}

/* ---- scripts from a grammar ---- */

static void add_expression(struct buf *out, int depth)
{
	static const char *const atoms[] = {
		"nil", "true", "1", "0", "-1", "2^53", "math.mininteger", "0.5", "'x'", "''", "a", "b", "c", "t", "f",
		"{}", "t.x", "t[a]", "#t", "_G", "string", "gantry.json.null", "coroutine.running()", "...",
		"setmetatable({}, t)", "coroutine.wrap(f)", "function(...) return ... end", "gantry.json.array {}",
	};
	static const char *const operators[] = { "+", "-", "*", "/", "//", "%", "^", "..", "==", "~=", "<", "<=",
						 "and", "or", "&", "|", "~", "<<", ">>" };
	static const char *const calls[] = {
		"tostring(%)", "pcall(%, %)", "xpcall(%, %)", "select(%, %)", "string.rep(%, %)", "string.find(%, %)",
		"string.gsub(%, %, %)", "string.format(%, %)", "table.concat(%, %)", "table.unpack(%, %, %)",
		"table.insert(%, %, %)", "table.sort(%, %)", "table.move(%, %, %, %)", "rawset(%, %, %)", "next(%, %)",
		"setmetatable(%, %)", "getmetatable(%)", "coroutine.create(%)", "coroutine.resume(%, %)",
		"coroutine.close(%)", "gantry.json.encode(%)", "gantry.json.decode(%)", "gantry.glob(%, %)",
		"gantry.semver(%, %)", "gantry.cidr(%, %)", "gantry.date(%, %)", "gantry.digest(%)", "utf8.char(%)",
		"utf8.codepoint(%, %, %)", "math.floor(%)", "error(%, %)", "f(%, %)", "require(%)", "print(%)",
		"gantry.kv.get(%)", "gantry.http(%, %)", "type(%)", "rawequal(%, %)", "string.byte(%, %, %)",
	};
	const char *p;

	if (depth <= 0 || pick(3) == 0) {
		buf_adds(out, ONE_OF(atoms));
		return;
	}
	switch (pick(4)) {
	case 0:
		buf_adds(out, "(");
		add_expression(out, depth - 1);
		buf_addf(out, " %s ", ONE_OF(operators));
		add_expression(out, depth - 1);
		buf_adds(out, ")");
		return;
	case 1:
		buf_adds(out, "{ x = ");
		add_expression(out, depth - 1);
		buf_addf(out, ", [%s] = ", pick(2) ? "1" : "'__index'");
		add_expression(out, depth - 1);
		buf_adds(out, " }");
		return;
	default:
		for (p = ONE_OF(calls); *p; p++) {
			if (*p == '%') {
				add_expression(out, depth - 1);
			} else {
				buf_addc(out, *p);
			}
		}
	}
}

static void add_block(struct buf *out, int depth);

static void add_statement(struct buf *out, int depth)
{
	static const char *const targets[] = { "a", "b", "c", "t.x", "t[a]", "t.__index", "t.__gc", "t.__close",
					       "t.__mode", "t.__len", "t.__eq", "f", "_G.f", "string.x" };

	switch (depth > 0 ? pick(9) : 0) {
	case 1:
		buf_adds(out, "for i = 1, ");
		add_expression(out, 1);
		buf_adds(out, " do ");
		add_block(out, depth - 1);
		buf_adds(out, "end\n");
		return;
	case 2:
		buf_adds(out, "while ");
		add_expression(out, 2);
		buf_adds(out, " do ");
		add_block(out, depth - 1);
		buf_adds(out, "end\n");
		return;
	case 3:
		buf_adds(out, "f = function(...) ");
		add_block(out, depth - 1);
		buf_adds(out, "return ");
		add_expression(out, 2);
		buf_adds(out, " end\n");
		return;
	case 4:
		buf_adds(out, "do local k <close> = t ");
		add_block(out, depth - 1);
		buf_adds(out, "end\n");
		return;
	case 5:
		buf_adds(out, "for k, v in pairs(");
		add_expression(out, 1);
		buf_adds(out, ") do ");
		add_block(out, depth - 1);
		buf_adds(out, "end\n");
		return;
	case 6:
		buf_adds(out, "if ");
		add_expression(out, 2);
		buf_adds(out, " then ");
		add_block(out, depth - 1);
		buf_adds(out, "end\n");
		return;
	case 7:
		buf_adds(out, "pcall(function(...) ");
		add_block(out, depth - 1);
		buf_adds(out, "end, a, b)\n");
		return;
	default:
		buf_addf(out, "%s = ", ONE_OF(targets));
		add_expression(out, 3);
		buf_adds(out, "\n");
	}
}

static void add_block(struct buf *out, int depth)
{
	unsigned n = pick(4) + 1;

	while (n--) {
		add_statement(out, depth);
	}
}

static void again(lua_State *L, void *arg)
{
	(void)arg;
	lua_getglobal(L, "f");
	if (lua_isfunction(L, -1)) {
		lua_pushinteger(L, 1);
		lua_call(L, 1, 0);
	}
}

static int run_script_once(void)
{
	static const char *const grants[] = { "kv", NULL };
	static const struct services services = { .grants = grants };
	struct sandbox_config config = { .memory_bytes = 4 << 20, .deadline_ns = 5000000,
					 .services = &services };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct sandbox *sb = sandbox_new(&config, &err);
	struct buf text = BUF_INIT;
	int64_t start = processor_ns();
	int r, failed = 0;

	if (!sb) {
		printf("no state: %s\n", err.message);
		return 1;
	}
	buf_adds(&text, "local a, b, c, t = 1, 'x', {}, {}\nf = function(...) return ... end\n");
	while (text.len < 600) {
		buf_adds(&text, "pcall(function(...)\n");
		add_block(&text, 3);
		buf_adds(&text, "end, 1)\n");
	}
	r = sandbox_load(sb, "fuzz", text.data, text.len, 0, &err);
	if (!sandbox_stopped(sb)) {
		r = sandbox_call(sb, again, NULL, 0, &err);
	}
	if (r < 0 && strstr(err.message, " near ")) {
		printf("the grammar makes no Lua: %s\n", err.message);
		failed = 1;
	}
	sandbox_free(sb);
	if (processor_ns() - start > HANG_NS) {
		printf("too slow:\n%s\n", buf_str(&text));
		failed = 1;
	}
	buf_done(&text);
	return failed;
}

int main(int argc, char **argv)
{
	int library = argc > 1 ? strcmp(argv[1], "library") == 0 : 1;
	long i, n = argc > 2 ? atol(argv[2]) : 2000;
	int failed = 0;

	state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	for (i = 0; i < n; i++) {
		failed += library ? compare_once() : run_script_once();
	}
	if (argc <= 1) { /* as a test: some of each */
		for (i = 0; i < 500; i++) {
			failed += run_script_once();
		}
	}
	printf("%ld runs, %d failed\n", n, failed);
	return failed != 0;
}
