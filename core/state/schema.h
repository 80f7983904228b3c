/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps that bring a database from one schema version to the next; the
 * version is SQLite's user_version.  Released steps are never edited.
 */
#ifndef CORE_STATE_SCHEMA_H
#define CORE_STATE_SCHEMA_H

static const char *const schema_steps[] = {
	/* 1: objects are JSON documents beside the columns that are searched. */
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE containers(id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" image TEXT NOT NULL, created_ns INTEGER NOT NULL, status TEXT NOT NULL,"
	" doc TEXT NOT NULL, state TEXT NOT NULL);"
	"CREATE INDEX containers_image ON containers(image);"
	"CREATE TABLE images(id TEXT PRIMARY KEY, created_ns INTEGER NOT NULL,"
	" config TEXT NOT NULL, doc TEXT NOT NULL);"
	"CREATE TABLE refs(name TEXT PRIMARY KEY, image TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX refs_image ON refs(image);"
	"CREATE TABLE layers(chain_id TEXT PRIMARY KEY, driver TEXT NOT NULL, diff_id TEXT NOT NULL,"
	" parent TEXT, size INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE blobs(diff_id TEXT PRIMARY KEY, digest TEXT NOT NULL, media_type TEXT NOT NULL,"
	" size INTEGER NOT NULL, repositories TEXT) WITHOUT ROWID;"
	"CREATE TABLE networks(id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, driver TEXT NOT NULL,"
	" doc TEXT NOT NULL);"
	"CREATE TABLE endpoints(id TEXT PRIMARY KEY, network TEXT NOT NULL, container TEXT NOT NULL,"
	" doc TEXT NOT NULL);"
	"CREATE INDEX endpoints_container ON endpoints(container);"
	"CREATE INDEX endpoints_network ON endpoints(network);"
	"CREATE TABLE volumes(name TEXT PRIMARY KEY, driver TEXT NOT NULL, doc TEXT NOT NULL);"
	"CREATE TABLE execs(id TEXT PRIMARY KEY, container TEXT NOT NULL, doc TEXT NOT NULL);"
	"CREATE INDEX execs_container ON execs(container);"
	"CREATE TABLE kv(owner TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY(owner, key)) WITHOUT ROWID;"
	"",
};

#endif
