# transport/oci-layout: OCI image layouts, as a folder or a tar.
ocilayoutdir = $(plugindir)/transport/oci-layout
ocilayout_PROGRAMS = plugins/transport/oci-layout/oci-layout.so
dist_ocilayout_DATA = plugins/transport/oci-layout/plugin.conf
plugins_transport_oci_layout_oci_layout_so_SOURCES = plugins/transport/oci-layout/oci-layout.c
plugins_transport_oci_layout_oci_layout_so_LDFLAGS = $(SHARED_LINK)
plugins_transport_oci_layout_oci_layout_so_LDADD = $(HELPERS) $(CRYPTO_LIBS) $(JSON_LIBS)
