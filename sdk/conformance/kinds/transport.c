/* SPDX-License-Identifier: Apache-2.0 */
/* What every transport driver does.  An archive is made in the driver's own folder; a driver
 * for another place is told where: --set location=HOST:PORT/REPOSITORY. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <conformance/transport.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define BLOB "hello\n"
#define BLOB_DIGEST "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define CONFIG                                                                                \
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" BLOB_DIGEST "\"]}}"
#define CONFIG_SIZE "151"
#define CONFIG_DIGEST "sha256:7f6f7608f7e207749045a085b674ea46a9b601efa20ebb6d532b47a2bcc52f4f"
#define ABSENT_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define MANIFEST                                                                              \
	"{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\",\"config\":{\"mediaType\":"  \
	"\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" CONFIG_DIGEST "\",\"size\":" CONFIG_SIZE "}," \
	"\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"" BLOB_DIGEST \
	"\",\"size\":6}]}"

struct target {
	char location[4600];
	char reference[100];
};

static struct target target_of(struct kit *k, const char *id)
{
	const char *location = kit_setting(k->subject, "location");
	struct target t;

	if (location) {
		/* A repository for each, since registries differ in what they bear at once. */
		snprintf(t.location, sizeof(t.location), "%s/%.90s", location, id);
		snprintf(t.reference, sizeof(t.reference), "%.90s", id);
	} else {
		snprintf(t.location, sizeof(t.location), "%s/%s.tar", gantry_fake_host(k->fake)->state_dir, id);
		snprintf(t.reference, sizeof(t.reference), "kit-%.80s:1", id);
	}
	return t;
}

static int open_session(struct kit *k, const struct target *t, const char *mode, uint64_t *ret)
{
	int r = call_open(k, &GANTRY_TRANSPORT_OPEN_ARGS(.location = t->location, .mode = mode));

	*ret = (uint64_t)reply_integer(&k->reply, GANTRY_TRANSPORT_OPEN_RET_SESSION, 0);
	return r;
}

static int close_session(struct kit *k, uint64_t session, int commit)
{
	return call_close(k, &GANTRY_TRANSPORT_CLOSE_ARGS(.session = session, .commit = commit));
}

static int put_blob(struct kit *k, uint64_t session, const char *text, const char *digest)
{
	auto_fd int fd = memfd_create("blob", MFD_CLOEXEC);

	if (write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		return -1;
	}
	return call_put_blob(k, &GANTRY_TRANSPORT_PUT_BLOB_ARGS(.session = session, .digest = digest,
								.size = (int64_t)strlen(text), .source = fd));
}

static void push(struct kit *k, const struct target *t)
{
	uint64_t session;

	KIT_OK(k, open_session(k, t, "push", &session));
	KIT_OK(k, put_blob(k, session, BLOB, BLOB_DIGEST));
	KIT_OK(k, put_blob(k, session, CONFIG, CONFIG_DIGEST));
	KIT_OK(k, call_put_manifest(k, &GANTRY_TRANSPORT_PUT_MANIFEST_ARGS(
					       .session = session, .reference = t->reference, .media_type = MANIFEST_TYPE,
					       .manifest = { MANIFEST, strlen(MANIFEST) })));
	KIT_OK(k, close_session(k, session, 1));
}

static void fetch(struct kit *k, uint64_t session, int64_t offset)
{
	auto_fd int fd = memfd_create("sink", MFD_CLOEXEC);
	auto_(buf) struct buf got = BUF_INIT;
	int r = call_fetch(k, &GANTRY_TRANSPORT_FETCH_ARGS(.session = session, .digest = BLOB_DIGEST,
							   .offset = offset, .sink = fd));

	if (offset && r == GANTRY_ERR_UNSUPPORTED) {
		return;
	}
	KIT_OK(k, r);
	KIT_TRUE(k, lseek(fd, 0, SEEK_SET) == 0 && read_to_end(fd, &got, 4096) == 0 &&
			    strcmp(buf_str(&got), BLOB + offset) == 0,
		 "a blob came back as \"%s\" from offset %d", buf_str(&got), (int)offset);
}

static void pull(struct kit *k, const struct target *t)
{
	struct gantry_bytes bytes;
	uint64_t session;

	KIT_OK(k, open_session(k, t, "pull", &session));
	KIT_OK(k, call_resolve(k, &GANTRY_TRANSPORT_RESOLVE_ARGS(.session = session, .reference = t->reference)));
	bytes = reply_bytes(&k->reply, GANTRY_TRANSPORT_RESOLVE_RET_MANIFEST);
	KIT_TRUE(k, bytes.size == strlen(MANIFEST) && memcmp(bytes.data, MANIFEST, bytes.size) == 0,
		 "the manifest came back with other bytes");
	fetch(k, session, 0);
	(void)KIT_IS(k, call_resolve(k, &GANTRY_TRANSPORT_RESOLVE_ARGS(.session = session, .reference = ABSENT_DIGEST)),
		     GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, close_session(k, session, 0));
}

static void life(struct kit *k, const char *id)
{
	struct target t = target_of(k, id);

	push(k, &t);
	if (!kit_failed(k)) {
		pull(k, &t);
	}
	unlink(t.location);
}

/* An archive that was being written lies beside its place, under a longer name: it is its
 * user's to remove. */
static void recover(struct kit *k, const char *id)
{
	auto_dir DIR *d = opendir(gantry_fake_host(k->fake)->state_dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, id, strlen(id)) == 0) {
			unlinkat(dirfd(d), e->d_name, 0);
		}
	}
	life(k, id);
}

static const char *fixed(struct kit *k, const char *op, const char *field)
{
	static char path[4600];

	if (strcmp(field, "mode") == 0) {
		return "pull";
	}
	if (strcmp(field, "location") == 0) {
		snprintf(path, sizeof(path), "%s/absent.tar", gantry_fake_host(k->fake)->state_dir);
		return kit_setting(k->subject, "location") ? kit_setting(k->subject, "location") : path;
	}
	return NULL;
}

void conform_transport_open(struct kit *k)
{
	struct target t = target_of(k, "absent");
	uint64_t one, two;

	KIT_TRUE(k, open_session(k, &t, "sideways", &one) < 0, "a mode that is none is accepted");
	KIT_OK(k, open_session(k, &t, "push", &one));
	t = target_of(k, "second");
	KIT_OK(k, open_session(k, &t, "push", &two));
	KIT_TRUE(k, one != two, "two sessions have the same handle");
	KIT_OK(k, close_session(k, one, 0));
	KIT_OK(k, close_session(k, two, 0));
}

void conform_transport_list(struct kit *k)
{
	struct target t = target_of(k, "listed");
	uint64_t session;

	KIT_NEEDS(k, GANTRY_TRANSPORT_OP_LIST);
	push(k, &t);
	KIT_OK(k, open_session(k, &t, "pull", &session));
	KIT_OK(k, call_list(k, &GANTRY_TRANSPORT_LIST_ARGS(.session = session)));
	KIT_TRUE(k, reply_list(&k->reply, 0)[0] != NULL, "what was pushed is not listed");
	KIT_OK(k, close_session(k, session, 0));
}

void conform_transport_resolve(struct kit *k)
{
	struct target t = target_of(k, "resolved");

	push(k, &t);
	if (!kit_failed(k)) {
		pull(k, &t);
	}
}

void conform_transport_fetch(struct kit *k)
{
	struct target t = target_of(k, "fetched");
	auto_fd int fd = memfd_create("sink", MFD_CLOEXEC);
	uint64_t session;

	push(k, &t);
	KIT_OK(k, open_session(k, &t, "pull", &session));
	fetch(k, session, 2);
	(void)KIT_IS(k, call_fetch(k, &GANTRY_TRANSPORT_FETCH_ARGS(.session = session, .digest = ABSENT_DIGEST,
								   .sink = fd)),
		     GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, close_session(k, session, 0));
}

void conform_transport_has_blob(struct kit *k)
{
	struct target t = target_of(k, "blobs");
	uint64_t session;

	KIT_NEEDS(k, GANTRY_TRANSPORT_OP_HAS_BLOB);
	KIT_OK(k, open_session(k, &t, "push", &session));
	KIT_OK(k, call_has_blob(k, &GANTRY_TRANSPORT_HAS_BLOB_ARGS(.session = session, .digest = ABSENT_DIGEST)));
	KIT_TRUE(k, !reply_integer(&k->reply, GANTRY_TRANSPORT_HAS_BLOB_RET_PRESENT, 1), "a blob is said to be there "
		 "that is not");
	KIT_OK(k, put_blob(k, session, BLOB, BLOB_DIGEST));
	KIT_OK(k, call_has_blob(k, &GANTRY_TRANSPORT_HAS_BLOB_ARGS(.session = session, .digest = BLOB_DIGEST)));
	KIT_TRUE(k, reply_integer(&k->reply, GANTRY_TRANSPORT_HAS_BLOB_RET_PRESENT, 0), "a blob that was put is said not "
		 "to be there");
	KIT_OK(k, close_session(k, session, 0));
}

void conform_transport_put_blob(struct kit *k)
{
	struct target t = target_of(k, "wrong");
	uint64_t session;

	KIT_NEEDS(k, GANTRY_TRANSPORT_OP_PUT_BLOB);
	KIT_OK(k, open_session(k, &t, "push", &session));
	KIT_TRUE(k, put_blob(k, session, "other", BLOB_DIGEST) < 0, "bytes of another digest are accepted");
	KIT_OK(k, close_session(k, session, 0));
}

void conform_transport_put_manifest(struct kit *k)
{
	struct target t = target_of(k, "manifest");

	KIT_NEEDS(k, GANTRY_TRANSPORT_OP_PUT_MANIFEST);
	push(k, &t);
}

void conform_transport_login(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_TRANSPORT_OP_LOGIN);
	KIT_TRUE(k, call_login(k, &GANTRY_TRANSPORT_LOGIN_ARGS(.server = "127.0.0.1:1",
							       .auth = "{\"username\":\"u\",\"password\":\"p\"}")) < 0,
		 "login at a port where nobody listens succeeds");
}

void conform_transport_close(struct kit *k)
{
	struct target t = target_of(k, "given-up");
	uint64_t session;

	KIT_OK(k, open_session(k, &t, "push", &session));
	KIT_OK(k, close_session(k, session, 0));
	(void)KIT_IS(k, close_session(k, session, 0), GANTRY_ERR_INVALID);
	/* What was given up is not there. */
	if (!kit_setting(k->subject, "location")) {
		KIT_TRUE(k, access(t.location, F_OK) < 0, "an archive that was given up is there");
	}
}

const struct kit_kind kit_transport = {
	.kind = "transport",
	.operations = conform_transport_operations,
	.life = life,
	.recover = recover,
	.fixed = fixed,
};
