/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver writes most often, in one line each: errors, log lines, the
 * store.  Everything here is an inline function over the tables of
 * gantry/plugin.h, so that nothing has to be linked.
 *
 * Since 1.0.
 */
#ifndef GANTRY_FACADE_H
#define GANTRY_FACADE_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <gantry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fills the error and returns its code: `return gantry_fail(err, GANTRY_ERR_NOT_FOUND,
 * "volume %s: no such volume", name);` */
__attribute__((format(printf, 3, 4)))
static inline int gantry_fail(struct gantry_error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	err->code = code;
	err->sys_errno = 0;
	err->hint[0] = '\0';
	return code;
}

/* The code that fits an errno value. */
static inline int gantry_code_of_errno(int number)
{
	switch (number) {
	case ENOENT: case ENODEV: case ESRCH:
		return GANTRY_ERR_NOT_FOUND;
	case EEXIST:
		return GANTRY_ERR_EXISTS;
	case EBUSY: case ENOTEMPTY:
		return GANTRY_ERR_IN_USE;
	case EACCES: case EPERM: case EROFS:
		return GANTRY_ERR_PERMISSION;
	case ENOSPC: case EDQUOT:
		return GANTRY_ERR_NO_SPACE;
	case ENOMEM:
		return GANTRY_ERR_NO_MEMORY;
	case EINVAL: case ENAMETOOLONG:
		return GANTRY_ERR_INVALID;
	case EOPNOTSUPP: case ENOSYS:
		return GANTRY_ERR_UNSUPPORTED;
	case ETIMEDOUT:
		return GANTRY_ERR_TIMEOUT;
	default:
		return GANTRY_ERR_IO;
	}
}

/* For a system call that failed: "TEXT: strerror(number)", and the code that fits. */
__attribute__((format(printf, 3, 4)))
static inline int gantry_fail_errno(struct gantry_error *err, int number, const char *format, ...)
{
	size_t used;
	va_list args;

	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(number));
	err->code = gantry_code_of_errno(number);
	err->sys_errno = number;
	err->hint[0] = '\0';
	return err->code;
}

/* Adds what the user can do next; returns the error's code. */
__attribute__((format(printf, 2, 3)))
static inline int gantry_hint(struct gantry_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return err->code;
}

/* One line in the host's log, attributed to the driver. */
__attribute__((format(printf, 3, 4)))
static inline void gantry_log(const struct gantry_host *host, uint32_t level, const char *format, ...)
{
	const struct gantry_log_service *log = (const struct gantry_log_service *)gantry_service(host, "log");
	char text[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (log) {
		log->write(host, level, text);
	}
}

/* The driver's durable key-value store; never NULL on a host of 1.0 or later. */
static inline const struct gantry_store_service *gantry_store(const struct gantry_host *host)
{
	return (const struct gantry_store_service *)gantry_service(host, "store");
}

/* Where a long operation gets on: its deadline begins anew. */
static inline void gantry_progress(const struct gantry_host *host, const char *text)
{
	const struct gantry_call_service *s =
		(const struct gantry_call_service *)gantry_service(host, "call");

	if (s) {
		s->progress(host, text);
	}
}

/* Asked now and then by a long operation: non-zero, and it ends with CANCELLED. */
static inline int gantry_is_cancelled(const struct gantry_host *host)
{
	const struct gantry_call_service *s =
		(const struct gantry_call_service *)gantry_service(host, "call");

	return s ? s->is_cancelled(host) : 0;
}

#ifdef __cplusplus
}
#endif

#endif
