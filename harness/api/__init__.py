"""bridgebench from Python: a benchmark as a function call. `import bridgebench` brings what is here by name."""
