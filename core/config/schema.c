/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "core/config/config.h"

/* The one place that names drivers: the default configuration. */
const struct gantry_config_key config_schema[] = {
	{ "storage.driver", GANTRY_TYPE_STRING, 0, "auto",
	  "storage driver; auto takes the first of storage.candidates that this host can serve" },
	{ "storage.candidates", GANTRY_TYPE_LIST, 0, "overlay,unionfs,vfs", "in order of preference" },
	{ "runtime.driver", GANTRY_TYPE_STRING, 0, "native", "default of --runtime" },
	{ "network.bridge", GANTRY_TYPE_STRING, 0, "bridge", "driver of the default network" },
	{ "network.drivers", GANTRY_TYPE_LIST, 0, "bridge,host,none,macvlan,ipvlan,user",
	  "drivers that may serve networks" },
	{ "network.discover", GANTRY_TYPE_LIST, 0, "cni",
	  "drivers asked for networks that files define" },
	{ "network.default_subnet", GANTRY_TYPE_STRING, 0, "",
	  "gateway address and prefix of the default network (--bip); empty: a free one" },
	{ "network.dns", GANTRY_TYPE_LIST, 0, "", "name servers of containers; empty: the host's" },
	{ "network.dns_search", GANTRY_TYPE_LIST, 0, "", "search domains; empty: the host's" },
	{ "volume.driver", GANTRY_TYPE_STRING, 0, "local", "default volume driver" },
	{ "log.driver", GANTRY_TYPE_STRING, 0, "json-file", "default of --log-driver" },
	{ "log.options", GANTRY_TYPE_LIST, 0, "", "default of --log-opt, each key=value" },
	{ "transport.registry", GANTRY_TYPE_STRING, 0, "registry", "driver of pull, push and login" },
	{ "transport.archive", GANTRY_TYPE_STRING, 0, "docker-archive", "driver of load and save" },
	{ "registry.default", GANTRY_TYPE_STRING, 0, "docker.io",
	  "where image names without a registry come from" },
	{ "registry.mirrors", GANTRY_TYPE_LIST, 0, "", "URLs asked before the default registry" },
	{ "registry.insecure", GANTRY_TYPE_LIST, 0, "", "registries that may be spoken to without TLS" },
	{ "image.max_layer_bytes", GANTRY_TYPE_INTEGER, 0, "0",
	  "refuse layers that unpack to more; 0: no limit" },
	{ "image.parallel_downloads", GANTRY_TYPE_INTEGER, 0, "3", "layers fetched at once" },
	{ "container.stop_timeout", GANTRY_TYPE_INTEGER, 0, "10", "seconds between TERM and KILL" },
	{ "container.init", GANTRY_TYPE_BOOLEAN, 0, "false", "default of --init" },
	{ "container.cgroup_parent", GANTRY_TYPE_STRING, 0, "gantry", "control group of all containers" },
	{ "container.seccomp", GANTRY_TYPE_STRING, 0, "default",
	  "default, unconfined, or the path of a profile" },
	{ "policy.driver", GANTRY_TYPE_STRING, 0, "lua", "what decides; empty: nothing is asked" },
	{ "api.driver", GANTRY_TYPE_STRING, 0, "docker", "front end of the command line and the daemon" },
	{ NULL, 0, 0, NULL, NULL },
};
