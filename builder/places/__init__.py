"""The grammar of places; layouts, archives and engines' stores."""
