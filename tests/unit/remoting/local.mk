# tests/unit/remoting
