# The two worlds the rooms can live in.
include host/sim/local.mk
include host/uv/local.mk
