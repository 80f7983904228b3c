bin_PROGRAMS += gantry-unionfs
gantry_unionfs_SOURCES = \
	fuse/acl.c fuse/acl.h \
	fuse/arena.c fuse/arena.h \
	fuse/cgroup.c fuse/cgroup.h \
	fuse/copydata.c fuse/copydata.h \
	fuse/copyup.c fuse/copyup.h \
	fuse/crew.c fuse/crew.h \
	fuse/dents.c fuse/dents.h \
	fuse/explain.c fuse/explain.h \
	fuse/fdcache.c fuse/fdcache.h \
	fuse/follow.c \
	fuse/format.c fuse/format.h \
	fuse/holder.c fuse/holder.h \
	fuse/ids.c fuse/ids.h \
	fuse/init.c fuse/init.h \
	fuse/layer.c fuse/layer.h \
	fuse/listing.c fuse/listing.h \
	fuse/loc.c fuse/loc.h \
	fuse/lookup.c fuse/lookup.h \
	fuse/main.c \
	fuse/mount.c fuse/mount.h \
	fuse/names.c fuse/names.h \
	fuse/node.c fuse/node.h \
	fuse/notify.c fuse/notify.h \
	fuse/op-attr.c \
	fuse/op-create.c \
	fuse/op-dir.c \
	fuse/op-file.c \
	fuse/op-open.c \
	fuse/op-remove.c \
	fuse/op-rename.c \
	fuse/op-xattr.c \
	fuse/openfile.h \
	fuse/options.c fuse/options.h \
	fuse/place.c fuse/place.h \
	fuse/privs.c fuse/privs.h \
	fuse/proto.h \
	fuse/remove.h \
	fuse/request.h \
	fuse/rwlock.c fuse/rwlock.h \
	fuse/search.h \
	fuse/session.c fuse/session.h \
	fuse/unionfs.h \
	fuse/upgrade.c fuse/upgrade.h \
	fuse/workdir.c fuse/workdir.h \
	fuse/xattrat.c fuse/xattrat.h
gantry_unionfs_LDADD = $(HELPERS) -lpthread
