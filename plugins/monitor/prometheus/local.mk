# monitor/prometheus
plugin_monitor_prometheusdir = $(plugindir)/monitor/prometheus
plugin_monitor_prometheus_PROGRAMS = plugins/monitor/prometheus/prometheus.so
dist_plugin_monitor_prometheus_DATA = plugins/monitor/prometheus/plugin.conf
plugins_monitor_prometheus_prometheus_so_SOURCES = \
	plugins/monitor/prometheus/counters.c plugins/monitor/prometheus/counters.h \
	plugins/monitor/prometheus/driver.c \
	plugins/monitor/prometheus/objects.c plugins/monitor/prometheus/objects.h
plugins_monitor_prometheus_prometheus_so_LDFLAGS = $(SHARED_LINK)
plugins_monitor_prometheus_prometheus_so_LDADD = $(HELPERS) $(JSON_LIBS)
