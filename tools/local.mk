# Programs around the main ones.
bin_PROGRAMS += tools/mqbench
tools_mqbench_SOURCES = tools/mqbench.c tools/histogram.c tools/histogram.h
tools_mqbench_LDADD = libmqclient/libmqclient.la
EXTRA_DIST += tools/demo.sh
