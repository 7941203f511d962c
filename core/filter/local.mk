core_libfilter_la_SOURCES = \
  core/filter/bloom.c core/filter/bloom.h \
  core/filter/number.c core/filter/number.h \
  core/filter/sql.h \
  core/filter/sql_cache.c core/filter/sql_cache.h \
  core/filter/sql_compile.c \
  core/filter/sql_evaluate.c \
  core/filter/sql_program.h \
  core/filter/sql_token.c core/filter/sql_token.h
core_libfilter_la_LIBADD = $(MATH_LIBS)
