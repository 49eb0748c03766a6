"""The only code that executes SQL: the gate judges a query, the engine runs it, packs run it in a child process."""
