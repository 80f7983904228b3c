/* SPDX-License-Identifier: Apache-2.0 */
/* Where choices come from is one function; everything else is the grammar. */
#include <string.h>

#include "tests/lua/grammar.h"

static uint64_t state;
static const uint8_t *bytes; /* of a fuzzer; NULL: the generator chooses */
static size_t bytes_left;

void grammar_seed(uint64_t seed)
{
	state = seed;
	bytes = NULL;
}

void grammar_bytes(const uint8_t *data, size_t size)
{
	state = 0;
	bytes = data;
	bytes_left = size;
}

static unsigned pick(unsigned n)
{
	if (bytes) {
		if (bytes_left == 0) {
			return 0; /* the first choice is always a short one */
		}
		bytes_left--;
		return *bytes++ % n;
	}
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
void grammar_call(struct buf *out)
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

/* ---- scripts ---- */

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

void grammar_script(struct buf *out, size_t size)
{
	buf_adds(out, "local a, b, c, t = 1, 'x', {}, {}\nf = function(...) return ... end\n");
	while (out->len < size && (!bytes || bytes_left > 0)) {
		buf_adds(out, "pcall(function(...)\n");
		add_block(out, 3);
		buf_adds(out, "end, 1)\n");
	}
}
