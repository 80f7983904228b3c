/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concurrency: reading calls run side by side; writing ones take the session's
 * lock, because an archive is one sequence.  Sessions are counted references.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "archive_transport.h"
#include "cleanup.h"
#include "error.h"
#include "json.h"

#define DEFAULT_SPOOL_MB 65536

struct session {
	uint64_t id;
	int refs; /* guarded by the transport's lock */
	struct archive_reader *reader; /* one of the two */
	struct archive_writer *writer;
	pthread_mutex_t lock; /* guards the writer */
	struct session *next;
};

struct transport {
	const struct gantry_host *host;
	enum archive_flavour flavour;
	int64_t spool_limit;
	pthread_mutex_t lock; /* guards the table */
	struct session *sessions;
	uint64_t last_id;
};

const struct gantry_config_key archive_transport_config[] = {
	{ "max_spool_mb", GANTRY_TYPE_INTEGER, 0, "65536",
	  "how much of an archive that is compressed or comes through a pipe is kept while it is read" },
	{ 0 },
};

static int parse_config(const char *config, int64_t *ret_limit, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int64_t mb;
	int r = json_parse_object(config, "the configuration", &o, err);

	if (r < 0)
		return r;
	mb = json_get_int(o, "max_spool_mb", DEFAULT_SPOOL_MB);
	if (mb < 1 || mb > 1 << 30)
		return error_set(err, GANTRY_ERR_INVALID, "max_spool_mb must be between 1 and %d", 1 << 30);
	*ret_limit = mb * 1024 * 1024;
	return 0;
}

int archive_transport_check(const char *config, struct gantry_error *err)
{
	int64_t limit;

	return parse_config(config, &limit, err);
}

int archive_transport_new(const struct gantry_host *host, const char *config,
			  enum archive_flavour flavour, void **ret_self, struct gantry_error *err)
{
	struct transport *t;
	int64_t limit = 0;
	int r = parse_config(config, &limit, err);

	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t)
		return error_no_memory(err);
	t->host = host;
	t->flavour = flavour;
	t->spool_limit = limit;
	pthread_mutex_init(&t->lock, NULL);
	*ret_self = t;
	return 0;
}

static void session_free(struct session *s)
{
	archive_reader_free(s->reader);
	archive_writer_free(s->writer);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void archive_transport_free(void *self)
{
	struct transport *t = self;

	while (t->sessions) {
		struct session *next = t->sessions->next;

		session_free(t->sessions);
		t->sessions = next;
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* What session_get returned, with the way back. */
struct borrowed {
	struct transport *transport;
	struct session *session;
};

static void borrowed_auto(struct borrowed *b)
{
	int last;

	if (!b->session)
		return;
	pthread_mutex_lock(&b->transport->lock);
	last = --b->session->refs == 0;
	pthread_mutex_unlock(&b->transport->lock);
	if (last)
		session_free(b->session);
}

enum session_use { USE_READER, USE_WRITER };

static int borrow(struct transport *t, uint64_t id, enum session_use use, struct borrowed *ret,
		  struct gantry_error *err)
{
	struct session *s;

	pthread_mutex_lock(&t->lock);
	for (s = t->sessions; s && s->id != id; s = s->next)
		;
	if (s)
		s->refs++;
	pthread_mutex_unlock(&t->lock);
	*ret = (struct borrowed){ t, s };
	if (!s)
		return error_set(err, GANTRY_ERR_INVALID, "there is no archive session %llu",
				 (unsigned long long)id);
	if (use == USE_READER && !s->reader)
		return error_set(err, GANTRY_ERR_CONFLICT, "the session was not opened to pull");
	if (use == USE_WRITER && !s->writer)
		return error_set(err, GANTRY_ERR_CONFLICT, "the session was not opened to push");
	return 0;
}

static int open_archive(struct transport *t, const struct gantry_transport_open_args *args,
			struct session *s, struct gantry_error *err)
{
	if (args->file < 0 && !*args->location)
		return error_set(err, GANTRY_ERR_INVALID, "an archive needs a path");
	if (!strcmp(args->mode, "pull"))
		return archive_reader_open(args->location, args->file, t->flavour, t->host->state_dir,
					   t->spool_limit, &s->reader, err);
	if (!strcmp(args->mode, "push"))
		return archive_writer_open(args->location, args->file, t->flavour, &s->writer, err);
	return error_set(err, GANTRY_ERR_INVALID, "mode \"%.40s\" is neither pull nor push", args->mode);
}

static int op_open(void *self, const struct gantry_transport_open_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	struct transport *t = self;
	struct session *s = calloc(1, sizeof(*s));
	uint64_t id;
	int r;

	if (!s)
		return error_no_memory(err);
	pthread_mutex_init(&s->lock, NULL);
	s->refs = 1;
	r = open_archive(t, args, s, err);
	if (r < 0) {
		session_free(s);
		return r;
	}
	pthread_mutex_lock(&t->lock);
	id = s->id = ++t->last_id;
	s->next = t->sessions;
	t->sessions = s;
	pthread_mutex_unlock(&t->lock);
	return gantry_transport_open_set_session(reply, id) < 0 ? error_no_memory(err) : 0;
}

static int op_close(void *self, const struct gantry_transport_close_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	struct transport *t = self;
	auto_(borrowed) struct borrowed b = { 0 };
	struct session **p;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	for (p = &t->sessions; *p && (*p)->id != args->session; p = &(*p)->next)
		;
	if (*p) {
		/* The table's reference becomes ours. */
		b = (struct borrowed){ t, *p };
		*p = (*p)->next;
	}
	pthread_mutex_unlock(&t->lock);
	if (b.session && b.session->writer && args->commit) {
		pthread_mutex_lock(&b.session->lock);
		r = archive_writer_commit(b.session->writer, err);
		pthread_mutex_unlock(&b.session->lock);
	}
	return r;
}

static int op_list(void *self, const struct gantry_transport_list_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(borrowed) struct borrowed b;
	int r = borrow(self, args->session, USE_READER, &b, err);

	return r < 0 ? r : archive_reader_list(b.session->reader, reply, err);
}

static int op_resolve(void *self, const struct gantry_transport_resolve_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(borrowed) struct borrowed b;
	struct archive_manifest m;
	int r = borrow(self, args->session, USE_READER, &b, err);

	if (r == 0)
		r = archive_reader_resolve(b.session->reader, args->reference, &m, err);
	if (r < 0)
		return r;
	if (gantry_transport_resolve_set_digest(reply, m.digest) < 0 ||
	    gantry_transport_resolve_set_media_type(reply, m.media_type) < 0 ||
	    gantry_transport_resolve_set_manifest(reply, m.data, m.size) < 0)
		return error_no_memory(err);
	return 0;
}

static int op_fetch(void *self, const struct gantry_transport_fetch_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(borrowed) struct borrowed b;
	int64_t size;
	int r = borrow(self, args->session, USE_READER, &b, err);

	if (r == 0)
		r = archive_reader_fetch(b.session->reader, args->digest, args->offset, args->sink, &size, err);
	if (r < 0)
		return r;
	return gantry_transport_fetch_set_size(reply, size) < 0 ? error_no_memory(err) : 0;
}

static int op_has_blob(void *self, const struct gantry_transport_has_blob_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(borrowed) struct borrowed b;
	int present, r = borrow(self, args->session, USE_WRITER, &b, err);

	if (r < 0)
		return r;
	pthread_mutex_lock(&b.session->lock);
	present = archive_writer_has(b.session->writer, args->digest);
	pthread_mutex_unlock(&b.session->lock);
	return gantry_transport_has_blob_set_present(reply, present) < 0 ? error_no_memory(err) : 0;
}

static int op_put_blob(void *self, const struct gantry_transport_put_blob_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(borrowed) struct borrowed b;
	int r = borrow(self, args->session, USE_WRITER, &b, err);

	if (r < 0)
		return r;
	if (args->size < 0)
		return error_set(err, GANTRY_ERR_INVALID, "blob %.150s has no size", args->digest);
	pthread_mutex_lock(&b.session->lock);
	r = archive_writer_put_blob(b.session->writer, args->digest, args->size, args->source, err);
	pthread_mutex_unlock(&b.session->lock);
	return r;
}

static int op_put_manifest(void *self, const struct gantry_transport_put_manifest_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(borrowed) struct borrowed b;
	char digest[DIGEST_TEXT_MAX];
	int r = borrow(self, args->session, USE_WRITER, &b, err);

	if (r < 0)
		return r;
	pthread_mutex_lock(&b.session->lock);
	r = archive_writer_put_manifest(b.session->writer, args->reference, args->media_type,
					args->manifest.data, args->manifest.size, digest, err);
	pthread_mutex_unlock(&b.session->lock);
	if (r < 0)
		return r;
	return gantry_transport_put_manifest_set_digest(reply, digest) < 0 ? error_no_memory(err) : 0;
}

const struct gantry_transport_ops archive_transport_ops = {
	.struct_size = sizeof(archive_transport_ops),
	.open = op_open,
	.list = op_list,
	.resolve = op_resolve,
	.fetch = op_fetch,
	.has_blob = op_has_blob,
	.put_blob = op_put_blob,
	.put_manifest = op_put_manifest,
	.close = op_close,
};
