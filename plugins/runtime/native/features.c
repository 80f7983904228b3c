/* SPDX-License-Identifier: Apache-2.0 */
/* The features document of the runtime-spec: what this build can do. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>

#include "caps.h"
#include "container.h"
#include "spec.h"
#include "systemd_property.h"

static struct json_object *list(const char *const *names, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(a, json_object_new_string(names[i]));
	return a;
}

#define LIST(...) list((const char *const[]){ __VA_ARGS__ }, \
		       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static struct json_object *boolean(bool value)
{
	return json_object_new_boolean(value);
}

static struct json_object *mount_options(void)
{
	return LIST("acl", "async", "atime", "bind", "copy-symlink", "defaults", "dest-nofollow", "dev",
		    "diratime", "dirsync", "exec", "idmap", "iversion", "lazytime", "loud", "mand",
		    "noacl", "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime",
		    "nomand", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "private",
		    "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount", "rexec",
		    "ridmap", "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime",
		    "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime",
		    "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow",
		    "runbindable", "rw", "shared", "silent", "slave", "src-nofollow", "strictatime",
		    "suid", "symfollow", "sync", "tmpcopyup", "unbindable");
}

static struct json_object *capabilities(void)
{
	struct json_object *a = json_object_new_array();

	for (int cap = 0; cap < cap_count(); cap++)
		json_object_array_add(a, json_object_new_string(cap_name(cap)));
	return a;
}

static struct json_object *namespaces(void)
{
	struct json_object *a = json_object_new_array();

	for (int kind = 0; kind < NS_MAX; kind++)
		json_object_array_add(a, json_object_new_string(ns_names[kind]));
	return a;
}

static struct json_object *seccomp(void)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "enabled", boolean(true));
	json_object_object_add(o, "actions",
			       LIST("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",
				    "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
				    "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"));
	json_object_object_add(o, "operators",
			       LIST("SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE",
				    "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"));
	json_object_object_add(o, "archs",
			       LIST("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_MIPS",
				    "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",
				    "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
				    "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64",
				    "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_X32",
				    "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"));
	json_object_object_add(o, "knownFlags",
			       LIST("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
				    "SECCOMP_FILTER_FLAG_TSYNC",
				    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"));
	json_object_object_add(o, "supportedFlags",
			       LIST("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
				    "SECCOMP_FILTER_FLAG_TSYNC",
				    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"));
	return o;
}

static struct json_object *enabled(bool value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "enabled", boolean(value));
	return o;
}

static struct json_object *cgroup(void)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "v1", boolean(true));
	json_object_object_add(o, "v2", boolean(true));
	json_object_object_add(o, "systemd", boolean(true));
	json_object_object_add(o, "systemdUser", boolean(true));
	json_object_object_add(o, "rdma", boolean(true));
	return o;
}

static struct json_object *linux_features(void)
{
	struct json_object *o = json_object_new_object();
	struct json_object *extensions = json_object_new_object();
	struct json_object *rdt = enabled(true), *policy = json_object_new_object();

	json_object_object_add(o, "namespaces", namespaces());
	json_object_object_add(o, "capabilities", capabilities());
	json_object_object_add(o, "cgroup", cgroup());
	json_object_object_add(o, "seccomp", seccomp());
	json_object_object_add(o, "apparmor", enabled(true));
	json_object_object_add(o, "selinux", enabled(true));
	json_object_object_add(rdt, "schemata", boolean(true));
	json_object_object_add(rdt, "monitoring", boolean(true));
	json_object_object_add(o, "intelRdt", rdt);
	json_object_object_add(extensions, "idmap", enabled(true));
	json_object_object_add(o, "mountExtensions", extensions);
	json_object_object_add(o, "netDevices", enabled(true));
	json_object_object_add(policy, "modes",
			       LIST("MPOL_BIND", "MPOL_DEFAULT", "MPOL_INTERLEAVE", "MPOL_LOCAL",
				    "MPOL_PREFERRED", "MPOL_PREFERRED_MANY",
				    "MPOL_WEIGHTED_INTERLEAVE"));
	json_object_object_add(policy, "flags",
			       LIST("MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES",
				    "MPOL_F_STATIC_NODES"));
	json_object_object_add(o, "memoryPolicy", policy);
	return o;
}

char *runtime_features(void)
{
	struct json_object *o = json_object_new_object();
	struct json_object *annotations = json_object_new_object();
	char *text;

	json_object_object_add(o, "ociVersionMin", json_object_new_string("1.0.0"));
	json_object_object_add(o, "ociVersionMax", json_object_new_string("1.3.0"));
	json_object_object_add(o, "hooks",
			       LIST("prestart", "createRuntime", "createContainer",
				    "startContainer", "poststart", "poststop"));
	json_object_object_add(o, "mountOptions", mount_options());
	json_object_object_add(o, "linux", linux_features());
	json_object_object_add(annotations, "org.gantry.version",
			       json_object_new_string(PACKAGE_VERSION));
	json_object_object_add(annotations, "org.opencontainers.runc.checkpoint.enabled",
			       json_object_new_string("true"));
	json_object_object_add(o, "annotations", annotations);
	json_object_object_add(o, "potentiallyUnsafeConfigAnnotations",
			       LIST("org.criu.config", "org.gantry.", SYSTEMD_PROPERTY_PREFIX));
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
								JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return text;
}
