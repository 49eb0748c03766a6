"""One file per output; each is a function from a Run to a text, and none of them judges anything."""
