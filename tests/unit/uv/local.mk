# tests/unit/uv
