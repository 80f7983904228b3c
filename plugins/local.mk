# Each driver adds its folder here with one line.
include plugins/storage/overlay/local.mk
