/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive, loaded when the first archive is touched.  It draws in a dozen
 * libraries (about 5 ms of ld.so), which a driver that only mounts must not pay.
 * The functions keep their names: lib->archive_read_new().
 */
#ifndef HELPERS_ARCHIVE_LIB_H
#define HELPERS_ARCHIVE_LIB_H

#include <archive.h>
#include <archive_entry.h>

#include <gantry/error.h>

#define ARCHIVE_LIB_FUNCTIONS(X)                \
	X(archive_errno)                        \
	X(archive_error_string)                 \
	X(archive_filter_bytes)                 \
	X(archive_set_error)                    \
	X(archive_read_new)                     \
	X(archive_read_free)                    \
	X(archive_read_support_format_tar)      \
	X(archive_read_support_format_empty)    \
	X(archive_read_support_format_raw)      \
	X(archive_read_support_filter_gzip)     \
	X(archive_read_support_filter_bzip2)    \
	X(archive_read_support_filter_xz)       \
	X(archive_read_support_filter_zstd)     \
	X(archive_read_open)                    \
	X(archive_read_next_header)             \
	X(archive_read_data)                    \
	X(archive_read_data_block)              \
	X(archive_write_new)                    \
	X(archive_write_free)                   \
	X(archive_write_close)                  \
	X(archive_write_set_format_pax)         \
	X(archive_write_set_format_option)      \
	X(archive_write_set_bytes_per_block)    \
	X(archive_write_set_bytes_in_last_block) \
	X(archive_write_open)                   \
	X(archive_write_header)                 \
	X(archive_write_data)                   \
	X(archive_entry_new)                    \
	X(archive_entry_clear)                  \
	X(archive_entry_free)                   \
	X(archive_entry_pathname)               \
	X(archive_entry_hardlink)               \
	X(archive_entry_symlink)                \
	X(archive_entry_filetype)               \
	X(archive_entry_perm)                   \
	X(archive_entry_uid)                    \
	X(archive_entry_gid)                    \
	X(archive_entry_mtime)                  \
	X(archive_entry_mtime_nsec)             \
	X(archive_entry_size)                   \
	X(archive_entry_rdevmajor)              \
	X(archive_entry_rdevminor)              \
	X(archive_entry_sparse_count)           \
	X(archive_entry_xattr_reset)            \
	X(archive_entry_xattr_next)             \
	X(archive_entry_set_pathname)           \
	X(archive_entry_set_hardlink)           \
	X(archive_entry_set_symlink)            \
	X(archive_entry_set_filetype)           \
	X(archive_entry_set_perm)               \
	X(archive_entry_set_uid)                \
	X(archive_entry_set_gid)                \
	X(archive_entry_set_mtime)              \
	X(archive_entry_set_size)               \
	X(archive_entry_set_rdevmajor)          \
	X(archive_entry_set_rdevminor)          \
	X(archive_entry_sparse_add_entry)       \
	X(archive_entry_xattr_add_entry)

struct archive_lib {
#define X(name) __typeof__(name) *name;
	ARCHIVE_LIB_FUNCTIONS(X)
#undef X
};

/* The library, the same for all callers and never unloaded; NULL with
 * UNSUPPORTED when it is not installed.  Safe from any thread. */
const struct archive_lib *archive_lib_load(struct gantry_error *err);

/* Names in archives are UTF-8 whatever the user's locale is: libarchive converts
 * to that of the calling thread, so the thread borrows C.UTF-8 meanwhile.
 * `archive_locale_t l = archive_locale_enter(); ... archive_locale_leave(l);` */
typedef void *archive_locale_t;
archive_locale_t archive_locale_enter(void);
void archive_locale_leave(archive_locale_t previous);

#endif
