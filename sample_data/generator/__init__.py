"""Writes the fictitious hospital group "GHT Valdoré": its directory, registry, HR and vendor files, and the answer key."""
