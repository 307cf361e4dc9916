"""The command line: parses, calls a use case, renders. The only place that prints or exits."""
