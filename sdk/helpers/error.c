/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

int error_code_from_errno(int sys_errno)
{
	switch (sys_errno) {
	case EINVAL:
	case ENAMETOOLONG:
		return GANTRY_ERR_INVALID;
	case ENOENT:
	case ESRCH:
		return GANTRY_ERR_NOT_FOUND;
	case EEXIST:
		return GANTRY_ERR_EXISTS;
	case EBUSY:
	case EADDRINUSE:
		return GANTRY_ERR_IN_USE;
	case EPERM:
	case EACCES:
	case EROFS:
		return GANTRY_ERR_PERMISSION;
	case ENOSYS:
	case EOPNOTSUPP:
		return GANTRY_ERR_UNSUPPORTED;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return GANTRY_ERR_UNAVAILABLE;
	case ETIMEDOUT:
		return GANTRY_ERR_TIMEOUT;
	case ECANCELED:
		return GANTRY_ERR_CANCELLED;
	case ENOSPC:
	case EDQUOT:
		return GANTRY_ERR_NO_SPACE;
	case ENOMEM:
		return GANTRY_ERR_NO_MEMORY;
	default:
		return GANTRY_ERR_IO;
	}
}

static void set_message(struct gantry_error *err, int code, int sys_errno, const char *fmt,
			va_list ap)
{
	err->code = code;
	err->sys_errno = sys_errno;
	err->hint[0] = '\0';
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
}

int error_set(struct gantry_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_message(err, code, 0, fmt, ap);
	va_end(ap);
	return code;
}

int error_errno(struct gantry_error *err, int sys_errno, const char *fmt, ...)
{
	va_list ap;
	size_t used;
	char text[128];

	va_start(ap, fmt);
	set_message(err, error_code_from_errno(sys_errno), sys_errno, fmt, ap);
	va_end(ap);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s",
		 strerror_r(sys_errno, text, sizeof(text)));
	return err->code;
}

int error_hint(struct gantry_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return err->code;
}

int error_prefix(struct gantry_error *err, const char *fmt, ...)
{
	char rest[sizeof(err->message)];
	va_list ap;
	size_t used;

	memcpy(rest, err->message, sizeof(rest));
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s", rest);
	return err->code;
}

int error_no_memory(struct gantry_error *err)
{
	err->code = GANTRY_ERR_NO_MEMORY;
	err->sys_errno = ENOMEM;
	err->hint[0] = '\0';
	strcpy(err->message, "out of memory");
	return err->code;
}

void error_clear(struct gantry_error *err)
{
	err->code = 0;
	err->sys_errno = 0;
	err->message[0] = '\0';
	err->hint[0] = '\0';
}
