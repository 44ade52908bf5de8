"""What the timings share: a clock for busy machines, tables, and their place in tests/PERFORMANCE.md."""
