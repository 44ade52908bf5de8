"""The larger commands of the command line, each with its options; `harness.main` puts all together."""
