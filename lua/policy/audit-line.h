/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of one line of the audit log:
 * {"seq":N,"prev":"HASH","time":...,MEMBERS,"hash":"HASH"}, where the hash is
 * the SHA-256 of all text before its own member.
 */
#ifndef LUA_POLICY_AUDIT_LINE_H
#define LUA_POLICY_AUDIT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "lua/sandbox/sha256.h"

#define AUDIT_HASH SHA256_TEXT
#define AUDIT_FIRST "0000000000000000000000000000000000000000000000000000000000000000"
#define AUDIT_HASH_MEMBER ",\"hash\":\""

/* The mapped file that names the last line. */
struct audit_head {
	int64_t seq;
	int64_t size; /* of the log after that line */
	char hash[AUDIT_HASH];
	char unused[15];
};

struct audit_line {
	int64_t seq;
	char prev[AUDIT_HASH];
	char hash[AUDIT_HASH];
	size_t hashed; /* how much of the text the hash covers */
};

static inline void audit_line_hash(const char *text, size_t len, char hash[AUDIT_HASH])
{
	sha256_text(text, len, hash);
}

/* Reads the frame of a line (without its newline) and checks its hash; 0 or -1. */
int audit_line_parse(const char *text, size_t len, struct audit_line *ret);

#endif
