/* SPDX-License-Identifier: Apache-2.0 */
/* One recursive lock around the connection; a transaction holds it throughout. */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/paths.h"
#include "core/state/db.h"
#include "core/state/schema.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define CACHE_SIZE 64
#define BUSY_MS 20000

struct cached {
	const char *sql; /* by address */
	sqlite3_stmt *stmt;
	int busy;
};

struct db {
	sqlite3 *sqlite;
	pthread_mutex_t lock;
	struct cached cache[CACHE_SIZE];
	char *path;
};

static int fail(struct db *db, struct gantry_error *err, int rc)
{
	const char *text = sqlite3_errmsg(db->sqlite);

	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return error_set(err, GANTRY_ERR_EXISTS, "record exists: %s", text);
	case SQLITE_FULL:
		error_set(err, GANTRY_ERR_NO_SPACE, "cannot write %s: no space left on device", db->path);
		return error_hint(err, "free some space; `gantry system prune` removes what nothing uses");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, GANTRY_ERR_TIMEOUT,
				 "database %s is held by another process for over %d s", db->path,
				 BUSY_MS / 1000);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		error_set(err, GANTRY_ERR_CORRUPT, "database %s is damaged: %s", db->path, text);
		return error_hint(err, "restore it from a backup, or move it away: images and volumes stay");
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		error_set(err, GANTRY_ERR_PERMISSION, "cannot open database %s: %s", db->path, text);
		return error_hint(err, "run as the user who owns it, or choose another --root");
	case SQLITE_NOMEM:
		return error_no_memory(err);
	default:
		return error_set(err, GANTRY_ERR_IO, "database %s: %s", db->path, text);
	}
}

static int run_script(struct db *db, const char *sql, struct gantry_error *err)
{
	int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(db, err, rc);
}

static int user_version(struct db *db, int *ret, struct gantry_error *err)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db->sqlite, "PRAGMA user_version", -1, &stmt, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(stmt);
		*ret = sqlite3_column_int(stmt, 0);
		sqlite3_finalize(stmt);
	}
	return rc == SQLITE_ROW ? 0 : fail(db, err, rc);
}

static int migrate(struct db *db, struct gantry_error *err)
{
	int newest = (int)ARRAY_SIZE(schema_steps);
	int version;
	int r = user_version(db, &version, err);

	if (r < 0 || version == newest) {
		return r;
	}
	if (version > newest) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "database %s has schema %d, this gantry knows up to %d", db->path, version,
			  newest);
		return error_hint(err, "it was written by a newer gantry: use that one");
	}
	r = run_script(db, "PRAGMA journal_mode=WAL; BEGIN IMMEDIATE", err);
	if (r == 0) {
		r = user_version(db, &version, err); /* somebody else may have been first */
	}
	for (; r == 0 && version < newest; version++) {
		r = run_script(db, schema_steps[version], err);
	}
	if (r == 0) {
		char pragma[64];

		snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d; COMMIT", newest);
		r = run_script(db, pragma, err);
	}
	if (r < 0) {
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}

int db_open(const char *folder, struct db **ret, struct gantry_error *err)
{
	pthread_mutexattr_t attr;
	struct db *db = calloc(1, sizeof(*db));
	int rc, r;

	if (!db || !(db->path = path_join(folder, "state.db", NULL))) {
		free(db);
		return error_no_memory(err);
	}
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&db->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	rc = sqlite3_open_v2(db->path, &db->sqlite,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		r = fail(db, err, rc);
		db_close(db);
		return r;
	}
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	/* The last to close would otherwise fold the log into the database and sync. */
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* A commit needs no fsync: the log is written in order, see the header. */
	/* Whoever opens first reads the log: it is kept short. */
	r = run_script(db, "PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; "
			   "PRAGMA wal_autocheckpoint=128", err);
	if (r == 0) {
		r = migrate(db, err);
	}
	if (r < 0) {
		db_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

struct db *db_close(struct db *db)
{
	if (!db) {
		return NULL;
	}
	for (int i = 0; i < CACHE_SIZE; i++) {
		sqlite3_finalize(db->cache[i].stmt);
	}
	sqlite3_close(db->sqlite);
	pthread_mutex_destroy(&db->lock);
	free(db->path);
	free(db);
	return NULL;
}

/* A statement ready to bind.  *ret_slot is NULL for one outside the cache. */
static int get_statement(struct db *db, const char *sql, sqlite3_stmt **ret, struct cached **ret_slot,
			 struct gantry_error *err)
{
	struct cached *slot = &db->cache[((uintptr_t)sql >> 3) % CACHE_SIZE];
	int rc;

	if (slot->sql == sql && !slot->busy) {
		slot->busy = 1;
		*ret = slot->stmt;
		*ret_slot = slot;
		return 0;
	}
	rc = sqlite3_prepare_v2(db->sqlite, sql, -1, ret, NULL);
	if (rc != SQLITE_OK) {
		return fail(db, err, rc);
	}
	*ret_slot = NULL;
	if (!slot->busy) {
		sqlite3_finalize(slot->stmt);
		*slot = (struct cached){ sql, *ret, 1 };
		*ret_slot = slot;
	}
	return 0;
}

static void put_statement(sqlite3_stmt *stmt, struct cached *slot)
{
	if (!slot) {
		sqlite3_finalize(stmt);
		return;
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	slot->busy = 0;
}

static void bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
		} else {
			sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_STATIC);
		}
	}
}

static int query(struct db *db, db_row_fn row, void *data, struct gantry_error *err,
		 const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *stmt;
	struct cached *slot = NULL;
	int rc = SQLITE_DONE;
	int r;

	pthread_mutex_lock(&db->lock);
	r = get_statement(db, sql, &stmt, &slot, err);
	if (r == 0) {
		bind_all(stmt, types, ap);
		while (r == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
			r = row ? row(data, stmt, err) : 0;
		}
		if (r == 0 && rc != SQLITE_DONE) {
			r = fail(db, err, rc);
		}
		put_statement(stmt, slot);
	}
	pthread_mutex_unlock(&db->lock);
	return r > 0 ? 0 : r;
}

int db_exec(struct db *db, struct gantry_error *err, const char *sql, const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(db, NULL, NULL, err, sql, types, ap);
	va_end(ap);
	return r;
}

int db_query(struct db *db, db_row_fn row, void *data, struct gantry_error *err, const char *sql,
	     const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(db, row, data, err, sql, types, ap);
	va_end(ap);
	return r;
}

static int first_text(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	const char *text = (const char *)sqlite3_column_text(row, 0);

	*(char **)data = text ? strdup(text) : NULL;
	return 1;
}

int db_get_text(struct db *db, char **ret, struct gantry_error *err, const char *sql,
		const char *types, ...)
{
	va_list ap;
	int r;

	*ret = NULL;
	va_start(ap, types);
	r = query(db, first_text, ret, err, sql, types, ap);
	va_end(ap);
	return r;
}

static int first_int(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	*(int64_t *)data = sqlite3_column_int64(row, 0);
	return 1;
}

int db_get_int(struct db *db, int64_t fallback, int64_t *ret, struct gantry_error *err,
	       const char *sql, const char *types, ...)
{
	va_list ap;
	int r;

	*ret = fallback;
	va_start(ap, types);
	r = query(db, first_int, ret, err, sql, types, ap);
	va_end(ap);
	return r;
}

int db_begin(struct db *db, struct gantry_error *err)
{
	int rc;

	pthread_mutex_lock(&db->lock);
	rc = sqlite3_exec(db->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		int r = fail(db, err, rc);

		pthread_mutex_unlock(&db->lock);
		return r;
	}
	return 0;
}

int db_end(struct db *db, int r, struct gantry_error *err)
{
	if (r == 0) {
		int rc = sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL);

		r = rc == SQLITE_OK ? 0 : fail(db, err, rc);
	}
	if (r < 0) {
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	}
	pthread_mutex_unlock(&db->lock);
	return r;
}

int db_changes(struct db *db)
{
	return sqlite3_changes(db->sqlite);
}

int db_meta_get(struct db *db, const char *key, char **ret, struct gantry_error *err)
{
	return db_get_text(db, ret, err, "SELECT value FROM meta WHERE key=?", "s", key);
}

int db_meta_set(struct db *db, const char *key, const char *value, struct gantry_error *err)
{
	return db_exec(db, err, "INSERT OR REPLACE INTO meta VALUES(?,?)", "ss", key, value);
}

const char *db_column(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}
