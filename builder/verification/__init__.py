"""Images proven from recipe and base alone: verified, compared with each other, and led back to their base."""
