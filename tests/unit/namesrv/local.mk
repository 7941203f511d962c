# tests/unit/namesrv
