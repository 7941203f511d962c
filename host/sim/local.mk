# not installed
