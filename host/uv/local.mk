# the only place with <uv.h>, system calls and threads
