"""Tables and the picture of docs/evidence.md."""
