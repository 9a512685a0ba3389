"""The command line; it talks to the API like anybody else, only `up` holds a store."""
