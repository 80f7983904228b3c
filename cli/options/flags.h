/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags that `run` and `create` share: one list that both tables include.
 */
#ifndef CLI_OPTIONS_FLAGS_H
#define CLI_OPTIONS_FLAGS_H

#define CONTAINER_FLAGS                                                                           \
	{ FLAG_LIST, 0, "add-host", "Add a line to the container's hosts file (host:ip)", NULL, 0 }, \
	{ FLAG_MAP, 0, "annotation", "Add an annotation for the runtime", "map[]", 0 },           \
	{ FLAG_LIST, 'a', "attach", "Attach to STDIN, STDOUT or STDERR", NULL, 0 },               \
	{ FLAG_UINT16, 0, "blkio-weight", "Relative weight of block I/O, 10 to 1000; 0: none", "0", 0 }, \
	{ FLAG_LIST, 0, "blkio-weight-device", "Relative weight of one device's I/O", "[]", 0 },  \
	{ FLAG_LIST, 0, "cap-add", "Add Linux capabilities", NULL, 0 },                           \
	{ FLAG_LIST, 0, "cap-drop", "Drop Linux capabilities", NULL, 0 },                         \
	{ FLAG_STRING, 0, "cgroup-parent", "Parent cgroup of the container", NULL, 0 },           \
	{ FLAG_STRING, 0, "cgroupns", "Cgroup namespace (host|private)", NULL, 0 },               \
	{ FLAG_STRING, 0, "cidfile", "Write the container's ID to this file", NULL, 0 },          \
	{ FLAG_INT, 0, "cpu-period", "Period of the CPU quota in microseconds", NULL, 0 },        \
	{ FLAG_INT, 0, "cpu-quota", "CPU time per period in microseconds", NULL, 0 },             \
	{ FLAG_INT, 0, "cpu-rt-period", "Period of the real-time quota in microseconds", NULL, 0 }, \
	{ FLAG_INT, 0, "cpu-rt-runtime", "Real-time CPU time per period in microseconds", NULL, 0 }, \
	{ FLAG_INT, 'c', "cpu-shares", "CPU shares (relative weight)", NULL, 0 },                 \
	{ FLAG_DECIMAL, 0, "cpus", "Number of CPUs", NULL, 0 },                                   \
	{ FLAG_STRING, 0, "cpuset-cpus", "CPUs to run on (0-3, 0,1)", NULL, 0 },                  \
	{ FLAG_STRING, 0, "cpuset-mems", "Memory nodes to use (0-3, 0,1)", NULL, 0 },             \
	{ FLAG_LIST, 0, "device", "Add a host device", NULL, 0 },                                 \
	{ FLAG_LIST, 0, "device-cgroup-rule", "Add a rule to the list of allowed devices", NULL, 0 }, \
	{ FLAG_LIST, 0, "device-read-bps", "Limit reading from a device (bytes per second)", "[]", 0 }, \
	{ FLAG_LIST, 0, "device-read-iops", "Limit reading from a device (I/O per second)", "[]", 0 }, \
	{ FLAG_LIST, 0, "device-write-bps", "Limit writing to a device (bytes per second)", "[]", 0 }, \
	{ FLAG_LIST, 0, "device-write-iops", "Limit writing to a device (I/O per second)", "[]", 0 }, \
	{ FLAG_BOOL, 0, "disable-content-trust", "Accepted and ignored", "true", 1 },             \
	{ FLAG_IP_LIST, 0, "dns", "Set DNS servers", NULL, 0 },                                   \
	{ FLAG_LIST, 0, "dns-opt", "Set DNS options", NULL, 1 },                                  \
	{ FLAG_LIST, 0, "dns-option", "Set DNS options", NULL, 0 },                               \
	{ FLAG_LIST, 0, "dns-search", "Set DNS search domains", NULL, 0 },                        \
	{ FLAG_STRING, 0, "domainname", "NIS domain name of the container", NULL, 0 },            \
	{ FLAG_STRING, 0, "entrypoint", "Replace the image's entrypoint", NULL, 0 },              \
	{ FLAG_LIST, 'e', "env", "Set environment variables", NULL, 0 },                          \
	{ FLAG_LIST, 0, "env-file", "Read environment variables from a file", NULL, 0 },          \
	{ FLAG_LIST, 0, "expose", "Expose a port or a range of ports", NULL, 0 },                 \
	{ FLAG_GPUS, 0, "gpus", "GPUs to add to the container ('all' for all)", NULL, 0 },        \
	{ FLAG_LIST, 0, "group-add", "Join more groups", NULL, 0 },                               \
	{ FLAG_STRING, 0, "health-cmd", "Command that checks the container's health", NULL, 0 },  \
	{ FLAG_DURATION, 0, "health-interval", "Time between health checks (ms|s|m|h)", "0s", 0 }, \
	{ FLAG_INT, 0, "health-retries", "Failures in a row that make it unhealthy", NULL, 0 },   \
	{ FLAG_DURATION, 0, "health-start-interval",                                              \
	  "Time between health checks while it starts (ms|s|m|h)", "0s", 0 },                     \
	{ FLAG_DURATION, 0, "health-start-period",                                                \
	  "Time to start in which failures do not count (ms|s|m|h)", "0s", 0 },                   \
	{ FLAG_DURATION, 0, "health-timeout", "Longest time of one check (ms|s|m|h)", "0s", 0 },  \
	{ FLAG_BOOL, 0, "help", "Print usage", NULL, 0 },                                         \
	{ FLAG_STRING, 'h', "hostname", "Host name of the container", NULL, 0 },                  \
	{ FLAG_BOOL, 0, "init", "Run an init that forwards signals and reaps processes", NULL, 0 }, \
	{ FLAG_BOOL, 'i', "interactive", "Keep STDIN open even if not attached", NULL, 0 },       \
	{ FLAG_STRING, 0, "ip", "IPv4 address (such as 172.30.100.104)", NULL, 0 },               \
	{ FLAG_STRING, 0, "ip6", "IPv6 address (such as 2001:db8::33)", NULL, 0 },                \
	{ FLAG_STRING, 0, "ipc", "IPC namespace", NULL, 0 },                                      \
	{ FLAG_STRING, 0, "isolation", "Isolation technology", NULL, 0 },                         \
	{ FLAG_BYTES, 0, "kernel-memory", "Kernel memory limit", NULL, 1 },                       \
	{ FLAG_LIST, 'l', "label", "Set labels", NULL, 0 },                                       \
	{ FLAG_LIST, 0, "label-file", "Read labels from a file, one per line", NULL, 0 },         \
	{ FLAG_LIST, 0, "link", "Add a link to another container", NULL, 0 },                     \
	{ FLAG_LIST, 0, "link-local-ip", "Link-local addresses", NULL, 0 },                       \
	{ FLAG_STRING, 0, "log-driver", "Log driver of the container", NULL, 0 },                 \
	{ FLAG_LIST, 0, "log-opt", "Log driver options", NULL, 0 },                               \
	{ FLAG_STRING, 0, "mac-address", "MAC address (such as 92:d0:c6:0a:29:33)", NULL, 0 },    \
	{ FLAG_BYTES, 'm', "memory", "Memory limit", NULL, 0 },                                   \
	{ FLAG_BYTES, 0, "memory-reservation", "Memory soft limit", NULL, 0 },                    \
	{ FLAG_BYTES, 0, "memory-swap", "Limit of memory plus swap; -1: no limit on swap", NULL, 0 }, \
	{ FLAG_INT, 0, "memory-swappiness", "How readily memory is swapped (0 to 100)", "-1", 0 }, \
	{ FLAG_MOUNT, 0, "mount", "Attach a file system mount", NULL, 0 },                        \
	{ FLAG_STRING, 0, "name", "Name of the container", NULL, 0 },                             \
	{ FLAG_NETWORK, 0, "net", "Connect to a network", NULL, 1 },                              \
	{ FLAG_LIST, 0, "net-alias", "Add a name within the network", NULL, 1 },                  \
	{ FLAG_NETWORK, 0, "network", "Connect to a network", NULL, 0 },                          \
	{ FLAG_LIST, 0, "network-alias", "Add a name within the network", NULL, 0 },              \
	{ FLAG_BOOL, 0, "no-healthcheck", "Switch the image's health check off", NULL, 0 },       \
	{ FLAG_BOOL, 0, "oom-kill-disable", "Switch the out-of-memory killer off", NULL, 0 },     \
	{ FLAG_INT, 0, "oom-score-adj", "Preference of the out-of-memory killer (-1000 to 1000)", NULL, 0 }, \
	{ FLAG_STRING, 0, "pid", "PID namespace", NULL, 0 },                                      \
	{ FLAG_INT, 0, "pids-limit", "Limit of processes (-1: none)", NULL, 0 },                  \
	{ FLAG_STRING, 0, "platform", "Platform of the image", NULL, 0 },                         \
	{ FLAG_BOOL, 0, "privileged", "Give the container all privileges", NULL, 0 },             \
	{ FLAG_LIST, 'p', "publish", "Publish ports on the host", NULL, 0 },                      \
	{ FLAG_BOOL, 'P', "publish-all", "Publish all exposed ports on free ports", NULL, 0 },    \
	{ FLAG_STRING, 0, "pull", "Pull the image first (\"always\", \"missing\", \"never\", \"lazy\")", "missing", 0 }, \
	{ FLAG_BOOL, 'q', "quiet", "Hide the output of pulling", NULL, 0 },                       \
	{ FLAG_BOOL, 0, "read-only", "Mount the root file system read-only", NULL, 0 },           \
	{ FLAG_STRING, 0, "restart", "What to do when the container exits", "no", 0 },            \
	{ FLAG_BOOL, 0, "rm", "Remove the container and its anonymous volumes when it exits", NULL, 0 }, \
	{ FLAG_STRING, 0, "runtime", "Runtime of this container", NULL, 0 },                      \
	{ FLAG_LIST, 0, "security-opt", "Security options", NULL, 0 },                            \
	{ FLAG_BYTES, 0, "shm-size", "Size of /dev/shm", NULL, 0 },                               \
	{ FLAG_STRING, 0, "stop-signal", "Signal that stops the container", NULL, 0 },            \
	{ FLAG_INT, 0, "stop-timeout", "Seconds to stop in before it is killed", NULL, 0 },       \
	{ FLAG_LIST, 0, "storage-opt", "Storage driver options", NULL, 0 },                       \
	{ FLAG_MAP, 0, "sysctl", "Kernel settings", "map[]", 0 },                                 \
	{ FLAG_LIST, 0, "tmpfs", "Mount a tmpfs", NULL, 0 },                                      \
	{ FLAG_BOOL, 't', "tty", "Allocate a pseudo-terminal", NULL, 0 },                         \
	{ FLAG_ULIMIT, 0, "ulimit", "Resource limits of processes", "[]", 0 },                    \
	{ FLAG_STRING, 'u', "user", "User name or UID (format: <name|uid>[:<group|gid>])", NULL, 0 }, \
	{ FLAG_STRING, 0, "userns", "User namespace", NULL, 0 },                                  \
	{ FLAG_STRING, 0, "uts", "UTS namespace", NULL, 0 },                                      \
	{ FLAG_LIST, 'v', "volume", "Mount a folder of the host or a volume", NULL, 0 },          \
	{ FLAG_STRING, 0, "volume-driver", "Driver of the container's volumes", NULL, 0 },        \
	{ FLAG_LIST, 0, "volumes-from", "Mount the volumes of other containers", NULL, 0 },       \
	{ FLAG_STRING, 'w', "workdir", "Working directory", NULL, 0 }

#endif
