# tests/unit/broker
