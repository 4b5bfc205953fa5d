"""REST routes: one file a resource."""
