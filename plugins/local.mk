# Each driver adds its folder here with one line.
include plugins/log/json-file/local.mk
include plugins/log/none/local.mk
