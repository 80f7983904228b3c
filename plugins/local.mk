# Each driver adds its folder here with one line.
include plugins/storage/overlay/local.mk
include plugins/storage/vfs/local.mk
include plugins/log/json-file/local.mk
include plugins/log/none/local.mk
include plugins/transport/registry/local.mk
