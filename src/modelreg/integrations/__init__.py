"""What others speak: frameworks and tools beside the registry."""
