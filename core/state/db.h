/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's records, in SQLite with a write-ahead log: one connection per
 * process, shared by its threads, beside those of other processes.  A commit
 * survives the death of any process at any moment; a power cut may take back the
 * last commits, never tear one.
 */
#ifndef CORE_STATE_DB_H
#define CORE_STATE_DB_H

#include <sqlite3.h>
#include <stdint.h>

#include <gantry/error.h>

struct db;

/* Opens <folder>/state.db and brings its schema up to date. */
int db_open(const char *folder, struct db **ret, struct gantry_error *err);
struct db *db_close(struct db *db);

/* A transaction; other threads wait meanwhile.  Every begin is matched by one
 * end: with r == 0 it commits, else it rolls back.  Returns r, or the failure of
 * the commit.  They do not nest. */
int db_begin(struct db *db, struct gantry_error *err);
int db_end(struct db *db, int r, struct gantry_error *err);

/* Runs a statement without rows.  types has one letter per parameter: s (text,
 * may be NULL) or i (int64_t).  sql must be a string constant: prepared statements
 * are kept by its address.  Returns 0, or EXISTS when a unique key is taken. */
int db_exec(struct db *db, struct gantry_error *err, const char *sql, const char *types, ...);

/* Runs a query and calls row for each; row returns 0 to go on, 1 to stop, or a
 * negative code.  Column text is borrowed until row returns.  Returns 0 (also
 * without rows) or the code.  row must not use the db. */
typedef int (*db_row_fn)(void *data, sqlite3_stmt *row, struct gantry_error *err);
int db_query(struct db *db, db_row_fn row, void *data, struct gantry_error *err, const char *sql,
	     const char *types, ...);

/* The first column of the first row as text (caller frees; NULL when there is no
 * row or no value), or as a number. */
int db_get_text(struct db *db, char **ret, struct gantry_error *err, const char *sql,
		const char *types, ...);
int db_get_int(struct db *db, int64_t fallback, int64_t *ret, struct gantry_error *err,
	       const char *sql, const char *types, ...);

/* Rows changed by the last db_exec of this thread's lock holder. */
int db_changes(struct db *db);

/* Small settings of the engine itself. */
int db_meta_get(struct db *db, const char *key, char **ret, struct gantry_error *err);
int db_meta_set(struct db *db, const char *key, const char *value, struct gantry_error *err);

/* Borrowed text of a column; never NULL. */
const char *db_column(sqlite3_stmt *row, int column);

#endif
