# What a reader should know of the cluster's behaviour, told in simulated milliseconds.
check_PROGRAMS += tests/story/story
TESTS += tests/story/story
tests_story_story_SOURCES = \
  tests/story/main.c \
  tests/story/stage.c tests/story/stage.h
tests_story_story_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
tests_story_story_LDADD = tests/libharness.la $(SITE_LIBS) $(CUNIT_LIBS)
