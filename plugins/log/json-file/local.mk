# log/json-file
plugin_log_json_filedir = $(plugindir)/log/json-file
plugin_log_json_file_PROGRAMS = plugins/log/json-file/json-file.so
dist_plugin_log_json_file_DATA = plugins/log/json-file/plugin.conf
plugins_log_json_file_json_file_so_SOURCES = \
	plugins/log/json-file/attributes.c \
	plugins/log/json-file/compress.c \
	plugins/log/json-file/compress.h \
	plugins/log/json-file/driver.c \
	plugins/log/json-file/files.c \
	plugins/log/json-file/files.h \
	plugins/log/json-file/options.c \
	plugins/log/json-file/options.h \
	plugins/log/json-file/reader.c \
	plugins/log/json-file/reader.h \
	plugins/log/json-file/record.c \
	plugins/log/json-file/record.h \
	plugins/log/json-file/scan.c \
	plugins/log/json-file/scan.h \
	plugins/log/json-file/writer.c \
	plugins/log/json-file/writer.h
plugins_log_json_file_json_file_so_LDFLAGS = $(SHARED_LINK)
plugins_log_json_file_json_file_so_LDADD = $(HELPERS)
