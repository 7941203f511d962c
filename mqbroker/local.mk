# mqbroker
include mqbroker/store/local.mk
