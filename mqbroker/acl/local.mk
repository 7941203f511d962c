# Access control. yaml.c alone knows libyaml.
noinst_LTLIBRARIES += mqbroker/libacl.la
mqbroker_libacl_la_SOURCES = \
  mqbroker/acl/acl.c mqbroker/acl/acl.h \
  mqbroker/acl/address.c mqbroker/acl/address.h \
  mqbroker/acl/edit.c mqbroker/acl/edit.h \
  mqbroker/acl/rules.c mqbroker/acl/rules.h mqbroker/acl/rules_read.c \
  mqbroker/acl/yaml.c mqbroker/acl/yaml.h mqbroker/acl/yaml_meaning.c
mqbroker_libacl_la_LIBADD = $(YAML_LIBS)
mqbroker_libacl_la_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
