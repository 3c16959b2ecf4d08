"""Other people's drug tables, read into shelves beside the built-in ones. One file a format."""
