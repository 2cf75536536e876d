"""What the kit knows of single operations: one module each, with its peers."""
