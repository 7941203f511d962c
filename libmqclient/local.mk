# libmqclient
