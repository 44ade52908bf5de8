"""The larger commands of the command line, each with its options; `harness.commands.main` puts all together."""
