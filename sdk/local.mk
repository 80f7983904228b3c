noinst_LIBRARIES += sdk/libhelpers.a
sdk_libhelpers_a_SOURCES = \
	sdk/helpers/buf.c sdk/helpers/buf.h \
	sdk/helpers/cleanup.h \
	sdk/helpers/error.c sdk/helpers/error.h \
	sdk/helpers/io.c sdk/helpers/io.h
