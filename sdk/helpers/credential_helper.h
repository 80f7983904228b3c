/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs called docker-credential-NAME that keep logins: the action is their argument, a
 * server's name or a JSON object their input, JSON their answer.
 */
#ifndef HELPERS_CREDENTIAL_HELPER_H
#define HELPERS_CREDENTIAL_HELPER_H

#include <gantry/error.h>

struct buf;

/* Runs "docker-credential-NAME ACTION" of $PATH.  *ret_ok is 0 where it says that it failed,
 * which is how it says that it knows nothing, too; its output then is the reason. */
int credential_helper_run(const char *name, const char *action, const char *input, struct buf *out,
			  int *ret_ok, struct gantry_error *err);

#endif
