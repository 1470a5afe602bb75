"""What a base's server accepts and what its GPUs can hold: launch flags, shapes of models, memory. Pure."""
