"""Tables of publishers: hostile until read, and written whole or not at all."""
