/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: operation list: forgotten when the driver is opened again */
#include "broken.h"

static int broken_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	DIR *folder = opendir(host->state_dir);
	struct dirent *e;
	char path[PATH_MAX];

	while (folder && (e = readdir(folder))) {
		if (e->d_name[0] != '.') {
			remove_folder(join(path, host->state_dir, e->d_name, NULL));
		}
	}
	closedir(folder);
	return open_driver(host, config, ret_self, err);
}

BROKEN_DRIVER(GANTRY_THREADS_PER_OBJECT, broken_open);
