/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures as cosign keeps them: beside an image with the digest sha256:HEX there is
 * a manifest with the tag sha256-HEX.sig, each of whose layers is a small JSON document
 * that names the digest, with the signature of its bytes in an annotation.  Here it is
 * checked that the document is what its digest says and that it names this image;
 * whose signature counts is for the hook to say, which has the key.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/image/admit.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define PAYLOAD_MAX (64 << 10)
#define SIGNATURES_MAX 32
#define PAYLOAD_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define ANNOTATION "dev.cosignproject.cosign/signature"

static int fetch_payload(const struct admission *a, const char *digest, struct buf *ret,
			 struct gantry_error *err)
{
	auto_(reply) struct reply answer = REPLY_INIT;
	auto_fd int fd = memfd_create("signature", MFD_CLOEXEC);
	char real[DIGEST_SIZE];
	int r;

	if (fd < 0) {
		return error_errno(err, errno, "cannot make a file in memory");
	}
	r = transport_fetch(a->transport, &GANTRY_TRANSPORT_FETCH_ARGS(.session = a->session,
			    .digest = digest, .sink = fd), &answer, err);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0) {
		r = error_errno(err, errno, "cannot read a signature");
	}
	if (r < 0) {
		return r;
	}
	r = read_to_end(fd, ret, PAYLOAD_MAX);
	if (r < 0) {
		return error_errno(err, -r, "cannot read the signature %s", digest);
	}
	r = digest_of(ret->data, ret->len, real, err);
	return r < 0 ? r : strcmp(real, digest) ? error_set(err, GANTRY_ERR_CORRUPT, "signature %s has digest %s",
						digest, real) : 0;
}

/* Does the signed document speak of this digest? */
static int names_digest(const struct buf *payload, const char *digest)
{
	auto_json struct json_object *o = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	const char *named;

	if (json_parse_object(buf_str((struct buf *)payload), "signature", &o, &ignored) < 0) {
		return 0;
	}
	named = json_get_string(json_get_object(json_get_object(o, "critical"), "image"),
				"docker-manifest-digest");
	return named && !strcmp(named, digest);
}

static int add_signature(const struct admission *a, const char *digest, struct json_object *layer,
			 struct json_object *list, struct gantry_error *err)
{
	const char *text = json_get_string(json_get_object(layer, "annotations"), ANNOTATION);
	const char *type = json_get_string(layer, "mediaType");
	const char *payload_digest = json_get_string(layer, "digest");
	auto_(buf) struct buf payload = BUF_INIT;
	struct json_object *o;
	int r;

	if (!text || !type || strcmp(type, PAYLOAD_TYPE) || !digest_is_valid(payload_digest)) {
		return 0; /* something else that lies under the tag */
	}
	r = fetch_payload(a, payload_digest, &payload, err);
	if (r < 0 || !names_digest(&payload, digest)) {
		return r;
	}
	o = json_object_new_object();
	json_set_string(o, "Digest", digest);
	json_set_string(o, "Payload", buf_str(&payload));
	json_set_string(o, "Signature", text);
	json_object_array_add(list, o);
	return 0;
}

static int add_signatures_of(const struct admission *a, const char *digest,
			     struct json_object *list, struct gantry_error *err)
{
	auto_(reply) struct reply answer = REPLY_INIT;
	auto_json struct json_object *manifest = NULL;
	struct json_object *layers;
	struct gantry_bytes bytes;
	char tag[DIGEST_SIZE + 8];
	int r;

	snprintf(tag, sizeof(tag), "sha256-%s.sig", digest + strlen("sha256:"));
	r = transport_resolve(a->transport, &GANTRY_TRANSPORT_RESOLVE_ARGS(.session = a->session,
			      .reference = tag), &answer, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		return 0;
	}
	if (r < 0) {
		return error_prefix(err, "cannot look for signatures of %s", a->name);
	}
	bytes = reply_bytes(&answer, GANTRY_TRANSPORT_RESOLVE_RET_MANIFEST);
	r = json_parse(bytes.data, bytes.size, "manifest of signatures", &manifest, err);
	layers = json_get_array(manifest, "layers");
	for (size_t i = 0; r == 0 && i < json_array_size(layers) && i < SIGNATURES_MAX; i++) {
		r = add_signature(a, digest, json_object_array_get_idx(layers, i), list, err);
	}
	return r;
}

int image_signatures(const struct admission *a, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *list = json_object_new_array();
	int r = add_signatures_of(a, a->digest, list, err);

	/* A signature of the list covers its manifests, whose digests it names; one of this
	 * platform's manifest alone will do as well. */
	if (r == 0 && strcmp(a->digest, a->manifest_digest)) {
		r = add_signatures_of(a, a->manifest_digest, list, err);
	}
	if (r == 0) {
		*ret = steal(&list);
	}
	return r;
}
